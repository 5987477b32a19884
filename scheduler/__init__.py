"""When things happen: the jobs of the service and its life cycle."""
