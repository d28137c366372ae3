"""For those who write recipes: `cm test script` and `cm add script --template=...`."""
