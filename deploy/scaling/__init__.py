"""The scaling policies of the stacks, tried against load before anybody pays for it."""
