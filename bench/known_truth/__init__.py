"""What `bench.coverage` simulates: each module makes up samples and holds one kind of claim against their truth."""
