"""Understanding Vietnamese: training data, the intent contract, Rasa components and the client."""
