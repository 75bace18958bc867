"""Files dropped into the folder of `import_folder`: catalogues and pictures, good and bad, while the shop runs and while
it does not. Beside each file that is over lies what came of it."""

import json
import os
import subprocess

from pictures import png
from shop import Shop, binary, eventually

HEAD = "sku,name,price,stock\n"


def opened(tmp_path):
    return Shop(tmp_path / "data", "--import-folder", str(tmp_path / "drop"))


def drop(tmp_path, name, content):
    """As a careful program does it: under another name first."""
    to = tmp_path / "drop" / name
    to.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "drop" / ".part").write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "drop" / ".part").rename(to)


def report(tmp_path, where, name, within_s=30):
    def there():
        return [each for each in (tmp_path / "drop" / where).glob(f"*-{name}.report.json")
                if each.with_name(each.name.removesuffix(".report.json")).exists()]
    return json.loads(eventually(there, within_s, f"{where}/…-{name}")[0].read_text())


def uploads(tmp_path):
    """What the bucket still holds of dropped files."""
    return [each.name for each in (tmp_path / "data").rglob("drop-*") if each.is_file()]


def skus(shop):
    return {each["sku"]: each for each in shop.client().get("/api/v1/products?limit=100").json["products"]}


def test_a_catalogue_and_a_picture_are_dropped_and_seen(tmp_path):
    with opened(tmp_path) as shop:
        drop(tmp_path, "spring.csv", HEAD + "JUG,A jug,3.50,7\nBAD,A bad one,x,1\nCUP,A cup,1.25,3\n")
        told = report(tmp_path, "done", "spring.csv")
        assert (told["rows"], told["created"], told["bad"]) == (3, 2, 1) and told["errors"][0]["row"] == 2, told
        assert set(skus(shop)) == {"JUG", "CUP"}
        drop(tmp_path, "pictures/JUG/front.png", png(300, 200))
        report(tmp_path, "done", "front.png")
        ready = eventually(lambda: [each for each in skus(shop)["JUG"]["images"] if each["status"] == "ready"])
        assert shop.client().get(ready[0]["variants"][0]["url"]).status == 200
        # Another file under the same name is another import, and another picture takes the place of the first.
        drop(tmp_path, "spring.csv", HEAD + "JUG,A better jug,4.50,7\n")
        eventually(lambda: skus(shop)["JUG"]["name"] == "A better jug")
        drop(tmp_path, "pictures/JUG/front.png", png(301, 200))
        eventually(lambda: [each["width"] for each in skus(shop)["JUG"]["images"]] == [301])
        eventually(lambda: len(os.listdir(tmp_path / "drop/done")) == 8, what="four files and their reports")
        eventually(lambda: not uploads(tmp_path), what="the bucket keeps no second copy")


def test_what_was_dropped_while_the_shop_was_away_is_taken_when_it_is_back(tmp_path):
    drop(tmp_path, "early.csv", HEAD + "EARLY,Before the first start,1,1\n")
    with opened(tmp_path) as shop:
        assert report(tmp_path, "done", "early.csv")["created"] == 1
        shop.kill()
        # As a death between moving a file and forgetting its upload leaves it.
        (tmp_path / "data/blobs/imports").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data/blobs/imports/drop-0190a000-0000-7000-8000-000000000001.csv").write_text(HEAD)
        assert uploads(tmp_path)
        drop(tmp_path, "late.CSV", HEAD + "LATE,Between two runs,1,1\n")
        shop.start()
        assert report(tmp_path, "done", "late.CSV")["created"] == 1
        assert set(skus(shop)) == {"EARLY", "LATE"}
        eventually(lambda: not uploads(tmp_path), what="what was left of a finished file is forgotten")


def test_a_catalogue_comes_together_with_its_pictures(tmp_path):
    catalogue = HEAD + "".join(f"S{n},Thing {n},1,1\n" for n in range(3000))
    drop(tmp_path, "pictures/S2999/front.png", png(31, 20))
    drop(tmp_path, "all.csv", catalogue)
    with opened(tmp_path) as shop:
        report(tmp_path, "done", "front.png")
        # Copied folder by folder, as cp does: the pictures first. One of them is replaced at once.
        for width in (40, 41):
            drop(tmp_path, "pictures/NEW/front.png", png(width, 20))
        drop(tmp_path, "new.csv", HEAD + "NEW,New,1,1\n")
        def widths(sku):
            found = shop.client().get(f"/api/v1/products/search?q={sku}").json["results"]
            return [image["width"] for each in found if each["sku"] == sku for image in each["images"]]
        eventually(lambda: widths("NEW") == [41], 30)
        assert widths("S2999") == [31]
        assert not list((tmp_path / "drop/failed").iterdir())
        assert not [each for each in (tmp_path / "drop/taken").rglob("*") if each.is_file()]


def test_a_file_is_left_alone_until_its_writer_has_closed_it(tmp_path):
    with opened(tmp_path) as shop:
        with (tmp_path / "drop/slow.csv").open("w") as file:
            file.write(HEAD + "SLOW1,First,1,1\n")
            file.flush()
            # One dropped later is taken meanwhile: the folder was looked at, and looked at again.
            for name in ("first.csv", "second.csv"):
                drop(tmp_path, name, HEAD + f"{name[:-4]},Another,1,1\n")
                report(tmp_path, "done", name)
            assert (tmp_path / "drop/slow.csv").exists() and "SLOW1" not in skus(shop)
            file.write("SLOW2,Second,1,1\n")
        assert report(tmp_path, "done", "slow.csv")["created"] == 2


def test_what_cannot_be_taken_is_put_aside_with_the_reason(tmp_path):
    with opened(tmp_path) as shop:
        drop(tmp_path, "mug.csv", HEAD + "MUG,A mug,1,1\n")
        report(tmp_path, "done", "mug.csv")
        drop(tmp_path, "none.csv", "a,b,c\n1,2,3\n")
        assert "name" in report(tmp_path, "failed", "none.csv")["failure"]
        for name, content, code in (("pictures/MUG/notes.png", b"no picture", "not_a_picture"),
                                    ("pictures/NONE/front.png", png(9, 9), "product_not_found"),
                                    ("pictures/MUG/two words.png", png(9, 9), "name_not_plain"),
                                    ("pictures/MUG/huge.png", png(9, 9) + bytes(20 << 20), "picture_too_large")):
            drop(tmp_path, name, content)
            told = report(tmp_path, "failed", name.rsplit("/", 1)[-1])
            assert told["code"] == code and told["detail"], told
        # Links lead out of the folder, and hidden files are somebody's that is still writing.
        (tmp_path / "secret.csv").write_text(HEAD + "SECRET,Not dropped,1,1\n")
        (tmp_path / "drop/link.csv").symlink_to(tmp_path / "secret.csv")
        (tmp_path / "drop/.hidden.csv").write_text(HEAD + "HIDDEN,Not yet,1,1\n")
        (tmp_path / "drop/readme.txt").write_text("for people")
        for name in ("one.csv", "two.csv"):
            drop(tmp_path, name, HEAD + "MUG,A mug,1,1\n")
            report(tmp_path, "done", name)
        assert set(skus(shop)) == {"MUG"} and skus(shop)["MUG"]["images"] == []
        assert {"link.csv", ".hidden.csv", "readme.txt"} <= set(os.listdir(tmp_path / "drop"))


def test_a_folder_that_cannot_be_used_stops_the_start_and_names_itself(tmp_path):
    (tmp_path / "file").write_text("")
    got = subprocess.run([binary(), "serve", "--data-dir", tmp_path / "data", "--import-folder", tmp_path / "file",
                          "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert got.returncode != 0 and "import_folder" in got.stderr + got.stdout, got
