-- How much of each field the good rows know, and what range its numbers span. One row; the columns are rendered for every field.
-- Input:   rows; {fields}, for a number: known, least, mean and greatest; for a text: known and how many different values.
-- Output:  rows, then what {fields} says, in its order.
SELECT count(*), {fields}
FROM rows
WHERE reject IS NULL
