"""What is built and what is put where readers find it: a plan before, a manifest after."""
