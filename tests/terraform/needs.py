"""`./dev terraform needs`: deploy/terraform/shop.json, from the program."""
import json
import subprocess
import sys
from pathlib import Path


def main(program):
    said = subprocess.run([program, "config", "--requirements"], capture_output=True, text=True, env={}, check=True)
    to = Path(__file__).resolve().parents[2] / "deploy" / "terraform" / "shop.json"
    to.write_text(json.dumps(json.loads(said.stdout), indent=1) + "\n")
    print(f"wrote {to}")


if __name__ == "__main__":
    main(*sys.argv[1:])
