"""Values only: what is wanted, what is there, and the steps between. Imports nothing of ours."""
