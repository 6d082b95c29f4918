"""What a stage costs, and how much it takes: a calculator over the configuration, measured figures and dated prices."""
