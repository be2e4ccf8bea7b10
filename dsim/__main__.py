"""What ``python -m dsim`` runs: the command line."""

from dsim.cli import main

raise SystemExit(main())
