"""Pages and fragments of the incidents app, one module per screen."""
