"""The measured handlers behind HTTPS, for Fargate, EC2 and this machine: `python -m server --help`.

The handlers are those of the Lambda functions, unchanged: a request becomes the event API Gateway would make of it, and
an answer the response API Gateway would make of that. What differs is where they run, which is what is measured.
"""

DEFAULT_PORT = 8443
HEALTH_PATH = "/healthz"
