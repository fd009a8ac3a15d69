"""A Docker engine, and a base image for `sam local`, for machines that cannot pull AWS's own image."""
