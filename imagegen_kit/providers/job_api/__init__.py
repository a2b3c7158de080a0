"""One provider for every service that takes a job, is polled, and hands pictures out: each service is a YAML file."""
