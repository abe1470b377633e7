"""Every write of the incidents app, one verb each."""
