// How every message is serialised; CAF finds these by their argument.
#pragma once
