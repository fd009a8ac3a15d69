"""The HTTP client that is measured with, and its clock. Knows nothing of what is called."""
