"""Saves three models for `mlflow models serve` under the folder that is the only argument.

`words` (scikit-learn) answers a text with a word, `scores` (the same, by its probabilities) with a vector, and `echo` (a
ChatModel of pyfunc) a conversation with what was said last.
"""

import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import mlflow.pyfunc  # noqa: E402
import mlflow.sklearn  # noqa: E402
from mlflow.types.llm import ChatChoice, ChatCompletionResponse, ChatMessage, TokenUsageStats  # noqa: E402
from sklearn.feature_extraction.text import CountVectorizer  # noqa: E402
from sklearn.naive_bayes import MultinomialNB  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402


class Echo(mlflow.pyfunc.ChatModel):
    def predict(self, context, messages, params):
        said = f"{len(messages)} messages, the last: {messages[-1].content}"
        usage = TokenUsageStats(prompt_tokens=3, completion_tokens=5, total_tokens=8)
        choice = ChatChoice(message=ChatMessage(role="assistant", content=said))
        return ChatCompletionResponse(choices=[choice], usage=usage, model="echo")


folder = Path(sys.argv[1])
words = make_pipeline(CountVectorizer(), MultinomialNB())
words.fit(["good morning", "good evening", "see you", "goodbye now"], ["greeting", "greeting", "farewell", "farewell"])
mlflow.sklearn.save_model(words, folder / "words")
mlflow.sklearn.save_model(words, folder / "scores", pyfunc_predict_fn="predict_proba")
mlflow.pyfunc.save_model(folder / "echo", python_model=Echo())
