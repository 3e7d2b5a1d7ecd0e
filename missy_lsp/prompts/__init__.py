"""What is said to the model, one Markdown file a prompt."""
