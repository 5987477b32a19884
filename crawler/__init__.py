"""Web to article: spiders, politeness and extraction. Hands everything over through the ports it is given."""
