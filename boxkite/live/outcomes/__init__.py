"""Labels that arrive in a service, and their join with the predictions that they belong to."""
