"""Clients that come by Amazon API Gateway's WebSocket API: what they say arrives as callbacks, answers are posted."""
