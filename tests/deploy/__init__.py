"""The deployment on AWS: its tables against the code, its templates against what they promise."""
