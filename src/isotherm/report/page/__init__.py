"""The page of a campaign, of a comparison's loads and of a trend, as one HTML file."""
