"""What the services share: contracts, transport and adapters. Nothing here knows a service."""
