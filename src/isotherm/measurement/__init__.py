"""One call, and all that is known of it: what was ordered, sent, seen by the probe and reported by the platform."""
