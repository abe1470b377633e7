"""Cards about the work on incidents: tasks, and time spent; and the lists behind their numbers."""
