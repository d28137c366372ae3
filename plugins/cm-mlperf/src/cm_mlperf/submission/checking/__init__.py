"""Our own strict check of a submission tree; `tree.check` is the way in."""
