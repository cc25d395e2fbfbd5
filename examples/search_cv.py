"""A pipeline of scikit-learn, tuned in place of RandomizedSearchCV.

    python examples/search_cv.py [DIRECTORY]

With a directory, any number of processes that run this share the candidates.
"""

import sys

from scipy.stats import loguniform
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from fsopt.sklearn import SearchCV

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

search = SearchCV(
    Pipeline([("scale", StandardScaler()), ("reduce", PCA()), ("classify", SVC())]),
    {
        "scale": [StandardScaler(), MinMaxScaler()],
        "reduce__n_components": [2, 5, 10, 20, 30],
        "classify__kernel": ["rbf", "sigmoid"],
        "classify__C": loguniform(1e-2, 1e3),
        "classify__gamma": loguniform(1e-4, 1e1),
    },
    n_iter=30,
    cv=3,
    random_state=0,
    directory=sys.argv[1] if len(sys.argv) > 1 else None,
)
search.fit(X_train, y_train)

print("best:", search.best_params_)
held_out = search.score(X_test, y_test)
print(f"accuracy: {search.best_score_:.4f} in cross-validation, {held_out:.4f} on test data")
