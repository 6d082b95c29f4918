"""Eloquent on AWS: three stages of the same stacks, from one typed configuration; `python app.py` synthesises them.

Reads:  docs/openapi, the services' settings classes, the container image by its digest.
Writes: CloudFormation templates into `cdk.out`.
Owns:   everything in an account whose name begins with `eloquent`.
"""
