"""What is kept in DynamoDB and S3, and under which keys."""
