-- only: sqlite
-- A shop of one process takes lists by price and by name from its index in memory. Each of these had a page of its own
-- to write for nearly every product of an import. Shops of several processes, on PostgreSQL, list by them still.
DROP INDEX products_price;
DROP INDEX products_name;
DROP INDEX products_category_price;
