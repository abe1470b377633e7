"""Process checks: where the way of working is weak, with the reason, the incidents behind it and what would mend it."""
