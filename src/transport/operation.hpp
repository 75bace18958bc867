#pragma once
#include "ports/operation.hpp"
