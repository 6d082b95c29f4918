"""Who is asking: tokens of Amazon Cognito, verified."""
