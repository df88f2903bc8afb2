// Package recovery is a flow with SQL in it.
package recovery

import "database/sql"

// None is what a row that is missing looks like.
var None = sql.ErrNoRows
