"""Maps where AWS Lambda runs cold."""

__version__ = "0.1.0"
