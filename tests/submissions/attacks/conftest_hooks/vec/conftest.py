from conftest import *
