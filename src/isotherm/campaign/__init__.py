"""What is asked for, planned, priced and when to stop. Makes no call and measures nothing."""
