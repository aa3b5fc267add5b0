"""What Pulumi starts for programs in other languages: the engine's address is the first argument."""

import sys

from platform_components.provider import serve

serve(sys.argv[1])
