"""How Eloquent is run: on one machine, in containers, on AWS."""
