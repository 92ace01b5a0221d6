"""Real data that others have published give the figures that they give, from counts typed in here.

Telco: IBM's sample of 7,043 customers of a fictional telephone company (Apache-2.0). Online Retail: orders of a British
gift shop, 1 December 2010 to 9 December 2011 (Chen, UCI Machine Learning Repository, CC BY 4.0). Open University:
32,593 registrations for courses (Kuzilek, Hlosta & Zdrahal 2017, Scientific Data 4:170171, CC BY 4.0).
"""

import warnings

import lifelines.statistics
import numpy as np
import pandas as pd
import pytest

from metrics import (
    cohort_retention,
    compare_survival,
    customer_churn_rate,
    retention_curve,
    retention_matrix,
    survival_curve,
    survival_summary,
)

# Of each contract: customers who left and who are there, by months of tenure from 0 to 72.

TELCO = {
    ("Month-to-month", True): """
        0 380 121 94 82 63 40 50 41 45 45 30 33 37 23 37 28 24 22 16 18 15 23 12 23 18 15 13 10 15 15 14
        18 8 11 12 9 14 9 9 11 10 12 11 4 3 7 13 3 10 8 6 5 6 5 6 3 5 4 4 3 3 1 2 0 4 5 1 3 3 1 1 0
    """,
    ("Month-to-month", False): """
        0 224 109 97 83 65 55 63 60 60 51 50 53 46 33 42 38 33 55 36 36 29 41 35 35 31 34 28 24 33 28 26
        28 23 29 31 13 21 18 12 23 19 19 18 16 19 19 14 12 19 11 12 19 10 12 18 16 15 9 12 16 11 8 10 11
        12 6 7 7 3 3 4 2
    """,
    ("One year", True): """
        0 0 2 0 1 1 0 1 1 1 0 1 5 1 1 0 0 2 2 3 0 2 4 1 0 4 0 0 2 0 1 2 1 5 1 3 1 1 4 4 2 4 2 3 2 3 4 1 5
        4 1 2 2 7 7 2 6 1 6 3 3 2 4 2 2 3 5 6 4 3 5 0 2
    """,
    ("One year", False): """
        1 7 5 6 6 3 7 13 8 10 15 13 17 14 12 15 7 24 12 10 13 11 18 25 20 17 26 20 20 19 18 14 18 18 17 25
        18 18 17 18 19 24 19 20 21 17 19 18 23 18 30 33 25 29 16 20 30 16 22 17 21 28 22 19 27 15 30 28 21
        20 22 28 15
    """,
    ("Two year", True): """
        0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0 1 0 0 0 0 0 1 0 0 0 1 0 0 1 0 1
        1 1 0 1 1 1 1 1 2 1 1 0 3 0 0 2 2 3 3 2 2 5 5 4
    """,
    ("Two year", False): """
        10 2 1 3 4 1 8 4 13 3 5 5 9 11 7 5 7 4 6 8 4 6 4 12 16 8 4 11 1 5 10 9 4 9 7 17 9 11 11 12 9 13 13
        12 8 19 24 22 20 14 17 15 28 17 27 17 24 26 25 23 33 29 35 39 38 40 40 53 63 64 83 132 339
    """,
}
# Customers of December 2010, all invoice lines with a customer: the months in which each came, as bits of a hexadecimal
# number (December is the lowest), and after * how many customers have just these.
LINES = """
    1*128 3*16 5*8 7*5 9*12 b d*2 f*2 11*9 13*4 17 19 21*8 25 27*2 29*2 2b 31 35 37 41*11 43 49 51*3 53 59 5b
    61*2 63*2 6b*2 6d*2 6f 7b 7d 81*10 85 87 8d 91*2 9b a1 a9*2 c1 ef f1*2 f3 101*6 103 107 109*4 10b 111 115
    121 123 129 12b 131 135*2 141 175 183 199 1a9 1cf 1d1 1d9 1f1 201*7 203 205 207 209 211*3 213 219 21b 221
    225 239 241*2 243 249*2 259 275 281 2a3 303 315 321*2 32f 337 34d 381 383 3d5 3d7 3f7 3ff 401*12 403 409*3
    413 415 419 421*2 441 443 449 44d 451 453 471*2 481*4 485 48f 493 49f 4a1 4a7 4a9 4ab 501 50d 521*2 531 55d
    561 575 5bf 5c1 5cb 601 615 625 629 649 64b 655 66d 679 681 68d 6a1 6ad 6bf 6e1 6f1 701 735 739 791 799 7dd
    7eb*2 7f9 801*34 803*4 809*4 80b 811*3 819 821 823 825 833 837 841*4 843 847 849 851*2 857 87f 881 88b 891
    895 897 8a1 8c1*2 8cb 8e9 901*2 911 919 923 929 92b 92d 92f 93b 94b 989 993 9a1 9a9 9b3*2 9b7 9cd 9db 9e9
    9ef 9f1 a01*2 a03 a05 a09 a0f a15 a1b a21*2 a29 a2b a33 a43*2 a49*2 a4b a53 a55 a59 a5b*2 a6b a6d*2 a75 a91
    a97 aa1 aa9 aaf ab1 ab7 ac5*2 ae3 af5 b01 b07 b0f b15 b3b b4d b61 b65 b6b b6d b97 ba9 bb9 bbd bcb bd3 bdf
    beb bef*2 bf1 bf5 bff*4 c01*6 c05 c09 c0f c11 c13 c2b c49 c51 c59 c61 c7b c83 c91 c9f ca7 cb1 cc1 ccf cd1
    d03 d05 d25 d3d d41 d6f*2 d75 d7b d93 dad db5 dbf de7 def*5 df1 df5 df7 dff e01*2 e03*2 e05 e11 e21*2 e25
    e49 e5f e63 e91 ea3 ebb*2 ec9 edb edf ee5 ef1 efb*3 efd eff*3 f01*2 f0b f49 f4d f5b f71 f77 f7b f7d f81 fab
    fbd fbf fdd fe7 feb fed fef*3 ff1*2 ff3 ff5 ff7*2 ff9 ffb*2 ffd*2 fff*10 1001*6 1003 1005*3 1011*3 1021 102d
    1039 1049 1081*2 1085 108b 10a7 1101*2 1121 1123 1125 1181 11a9 120b 1223 1265 1269 12c1 12ef 131f 1353 137d
    13ab 1401 1497 149f 14ab 1501 1553 155f 1569 1571 15c5 15eb 15ff 1603 1615 1619 167b 1681 1689 169d 1725
    173f 174f 17f7 17fd 17ff 1801*4 180d 1811 1813*2 181b 1821 1879 1885 18b7 18bf 1903 190d 196f 1981 199f 19af
    19c1 19e5 1a01*2 1a23 1a31 1a43 1a49 1a53 1a57 1a79*2 1a81 1aa1 1acb 1adf 1ae9 1aed 1aff 1b01 1b27 1b53 1b63
    1b79 1b7b 1b7f*2 1b9d 1ba9 1bbb*2 1bbf 1bc3 1bd7 1bdf 1beb 1bfb 1bff*5 1c05 1c19 1c25 1c41 1c7f 1cef 1cf5
    1cfd 1d03 1d09 1d53 1d5b*2 1d65 1d6b 1d73 1d75 1d7f 1ddd 1ddf 1def 1dfb 1dff*2 1e01 1e05 1e07 1e0b 1e0f*2
    1e23 1e29 1e35 1e5b 1e81 1eb7 1ebf 1ec7 1ecb 1eeb 1eef 1ef5 1ef7 1efd 1eff*4 1f03 1f27 1f49 1f53 1f6b 1f6d
    1f73 1f7b*2 1f7d 1f7f 1f81 1f85 1fab 1fad 1faf 1fb1 1fb3 1fb7 1fbf*3 1fcf 1fdd 1fdf 1fe1 1fed 1fef*4 1ff1
    1ff7 1ffb*2 1ffd*3 1fff*48
"""
# The same without cancellations and without lines of no quantity or no price.
BOUGHT = """
    1*119 3*13 5*7 7*5 9*13 b d*2 f 11*8 13*2 17 21*8 23*2 25 27 29*2 2b 35 37 41*10 43 49 51*3 5b 61 6b*2 6d*3
    7b 7d 81*9 85 87 91 9b a1 a9*2 d1 d3 ef f1 101*6 103 107 109*4 10b 111 115*2 123 125 129 12b 131 137 141 151
    175 183 199 1a9 1cf 1d9 1f1 201*6 203 205 207 209 211*3 213 21b 221 225 239 241*2 243 249 259 275 281 2a3
    303 315 321*2 32f 34d 381 383 3d5 3d7 3f7 3ff 401*11 403 409*3 411 413 415 419 421*2 431 441 443 449 44d 453
    471 481*3 483 485 491 49f*2 4a1 4a7 4a9 4ab 4cb 4e9 501 505 521*2 531 561 575 5bf 5c1 601 615 625*2 629 649
    64b 661 66d 679 681 68d 6bf 6f1 701 709 735 791 799 7dd 7eb 7f9 801*35 803*4 809*3 80b*2 811*4 819 821*2 825
    833 837 841*4 843 849 851*2 857 87f 881 88b 891 895 897 89b 89d 8a1 8af 8c1*2 8e9 901 911 913 919 921 925
    927 929 92b 93b 94b 989 993*2 9a1 9a9*2 9b1 9b3 9b7 9c9 9cd 9e5 9ef a01*2 a03 a05 a0f a15 a1b a21*2 a2b a33
    a41 a43*2 a45 a49*2 a4b a53 a55 a59 a5b*2 a6b a6d*2 a91 a95 a97*2 aa1 aa9*2 aab ab1 abb ae3 af5 b01*2 b07
    b0f b15 b3b b4d b5f b65 b6b b7b b7f ba9 bb1 bb9 bbd bd3 beb bef*2 bf5 bff*4 c01*5 c05*2 c07 c09 c11 c21 c2b
    c49 c51 c59 c6b c83 c91 c9f ca5 cb1 ccb cd1 d05 d25 d3d d41 d5b*2 d65 d6d*2 d6f*2 d75*2 d7b d7f d8d da7 db5
    dbf def*3 df1 df7 e01*3 e05 e11 e21*2 e23 e25 e29 e49 e5f e91 ea3 eb1 eb7 ebb ec9 edb edf efb*4 efd eff*2
    f01 f09 f31 f4d f77 f7d f81 fab faf fbd fbf fdd fe7 feb*2 fed fef*2 ff1*2 ff3 ff5 ff7*2 ffb*2 ffd*2 fff*10
    1001*5 1005*3 1011*3 1019 1021 1049 1081*3 1085 108b 10a3 1101*2 1121 1123 1125 117d 11a9 1209 1223 1265
    1269 12c1 12ef 131f 1353 13ab 1401 1497 14ab 14f5 1501 1531 1553 155b 155f 1569 15c5 15eb 15ef 1603 160b
    1615 1619 167b 1681 1689 169d 16ef 1725 173f 174f 176b 17d7 17fd 17ff 1801*2 180d 1811 1813 1879 1885 18b7
    18bf 18c1 1903 190d 196f 1981 1a01*3 1a23*2 1a31 1a43 1a49 1a53 1a55 1a69 1a79*2 1a81*2 1aa1 1abb 1acb 1ad7
    1ae9 1b3b 1b53 1b63 1b79 1b7b 1b7f 1b9d 1bbb*2 1bbf 1bc3 1bd7 1bdf 1beb 1bff*5 1c0f 1c19 1c25 1c41 1c7b 1cbd
    1cdf 1cef 1d01 1d09 1d53 1d6b 1d71 1d75 1d7f 1ddd 1dfb 1dff*2 1e01*2 1e23 1e35 1e5b 1e7d 1eb5 1ebf 1ecb 1eeb
    1ef5 1ef7*2 1efb 1eff*2 1f03 1f27 1f49 1f53 1f6d 1f73 1f7b*3 1f7d 1f81 1f85 1fab 1fad 1faf 1fb1 1fb3 1fbf*4
    1fcf 1fdd 1fdf 1fe1 1fe5 1fef*3 1ff1 1ff7*2 1ffb*3 1ffd*3 1fff*44
"""
# Registrations that ended, by stretches of 30 days from the first day of the course: withdrawn, and the others.
ENDED = {
    -13: (1, 0), -11: (1, 0), -10: (3, 0), -9: (3, 0), -8: (7, 0), -7: (14, 0), -6: (32, 0), -5: (95, 0), -4: (168, 0),
    -3: (286, 0), -2: (504, 0), -1: (1562, 2), 0: (2383, 6), 1: (1123, 0), 2: (811, 0), 3: (811, 0), 4: (686, 0),
    5: (791, 1), 6: (392, 0), 7: (373, 0), 8: (16, 0), 14: (1, 0),
}  # fmt: skip
RESULTS = {"Pass": 12361, "Withdrawn": 10156, "Fail": 7052, "Distinction": 3024}


def telco():
    rows = [
        pd.DataFrame(
            {"tenure": np.repeat(np.arange(73), [int(n) for n in text.split()]), "left": left, "contract": kind}
        )
        for (kind, left), text in TELCO.items()
    ]
    return pd.concat(rows, ignore_index=True)


def orders(text):
    """A row for each customer and month in which they came, at its first moment."""
    rows = []
    for entry in text.split():
        pattern, _, many = entry.partition("*")
        months = [k for k in range(13) if int(pattern, 16) >> k & 1]
        rows += [(f"{pattern} {copy}", month) for copy in range(int(many or 1)) for month in months]
    log = pd.DataFrame(rows, columns=["user_id", "month"]).assign(event="order")
    stamps = pd.to_datetime([f"{2010 + (11 + k) // 12}-{(11 + k) % 12 + 1:02}-01" for k in log["month"]], utc=True)
    return log.assign(timestamp=stamps.as_unit("us"))


def test_a_quarter_of_the_telephone_customers_left_and_most_of_them_by_the_month():
    table = telco()
    assert len(table) == 7043
    for kind, rate in (("Month-to-month", 0.42710), ("One year", 0.11270), ("Two year", 0.02832), (None, 0.26537)):
        part = table if kind is None else table[table["contract"] == kind]
        churn = customer_churn_rate(customers_start=len(part), customers_lost=int(part["left"].sum()))
        assert churn["churn_rate"].item() == pytest.approx(rate, abs=5e-6)


def test_six_of_ten_telephone_customers_stay_six_years():
    table = telco()
    curve = survival_curve(table["tenure"], table["left"]).set_index("time")["survival"]
    assert curve[12] == pytest.approx(0.8432, abs=5e-5)
    assert curve[24] == pytest.approx(0.788736, abs=5e-7)
    assert curve[72] == pytest.approx(0.59279, abs=5e-6)
    assert survival_summary(survival_curve(table["tenure"], table["left"]))["reason"].item() == "above_half"


def test_contracts_of_the_telephone_customers_differ_as_lifelines_says():
    table = telco()
    mine = compare_survival(table["tenure"], table["left"], by=table["contract"]).iloc[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)  # lifelines calls pandas in an old way
        theirs = lifelines.statistics.multivariate_logrank_test(table["tenure"], table["contract"], table["left"])
    assert mine["chi2"] == pytest.approx(theirs.test_statistic, rel=1e-9)
    assert mine["degrees"] == 2


@pytest.mark.parametrize(
    ("text", "retained"),
    [
        (LINES, [948, 362, 317, 367, 341, 376, 360, 336, 336, 374, 354, 474, 260]),
        (BOUGHT, [885, 324, 286, 340, 321, 352, 321, 309, 313, 350, 331, 445, 235]),
    ],
    ids=["all lines", "bought"],
)
def test_the_december_cohort_of_the_gift_shop(text, retained):
    table = cohort_retention(orders(text), period="month", periods=12, as_of="2011-12-10")
    assert table["retained"].tolist() == retained
    assert table["complete"].tolist() == [True] * 12 + [False]  # December 2011 has nine days
    assert len(retention_curve(table)) == 12
    assert retention_matrix(table).iloc[0].notna().sum() == 12
    assert table["uncertain"].all()  # nobody knows who bought there before


def test_courses_lose_a_quarter_before_the_first_day_of_all_who_leave():
    stretch = np.repeat(list(ENDED), [sum(pair) for pair in ENDED.values()])
    withdrawn = np.concatenate([np.repeat([True, False], pair) for pair in ENDED.values()])
    assert (len(stretch), (stretch < 0).sum(), withdrawn.sum()) == (10_072, 2_678, 10_063)
    assert RESULTS["Withdrawn"] - withdrawn.sum() == 93  # withdrawn without a date
    others = sum(RESULTS.values()) - len(stretch)  # watched to the end of the course
    first = min(ENDED)
    times, seen = np.r_[stretch - first, np.full(others, 15 - first)], np.repeat([True, False], [len(stretch), others])
    curve = survival_curve(times, seen).set_index("time")
    assert curve["churned"].sum() == 10_072
    assert curve.loc[-1 - first, "survival"] == pytest.approx(1 - 2_678 / 32_593)
    assert curve["survival"].iloc[-1] == pytest.approx(1 - 10_072 / 32_593)
