"""Feature flags by OpenFeature: what is on for whom, changed while processes run (ADR 32)."""
