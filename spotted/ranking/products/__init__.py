"""The cosines of query vectors with the rows of a gallery, as upper bounds and close values.

A search needs two things of a product: no cosine above its bound, and close values of the few pairs whose
bound reaches. So a product may be as rough as is quick, and no result depends on which one it was.

product           what every kind of product gives
single_precision  the product of BLAS in float32
integers          vectors rounded to eight bits
integer_kernel    the multiplication of eight-bit integers, if this machine does it without error
joined            products with consecutive rows as one
on_device         the product of torch on a GPU
choice            which product answers which question
"""

from spotted.ranking.products.choice import ProductChoice
from spotted.ranking.products.integers import IntegerProducts
from spotted.ranking.products.joined import JoinedProduct
from spotted.ranking.products.on_device import DeviceProducts
from spotted.ranking.products.product import Product, Products
from spotted.ranking.products.single_precision import SingleProducts

__all__ = [
    "DeviceProducts",
    "IntegerProducts",
    "JoinedProduct",
    "Product",
    "ProductChoice",
    "Products",
    "SingleProducts",
]
