"""One thin module for each verb: arguments, one call, one answer."""
