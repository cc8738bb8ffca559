"""Functions for notebooks and other packages: whole searches and trainings, and what they leave."""
