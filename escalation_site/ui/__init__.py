"""What every page shares: navigation, the words and shapes of components, server-drawn charts."""
