// Package recovery is a flow that imports the store.
package recovery

import "github.com/portvakt/portvakt/internal/store"

// Name is what it needs from there.
const Name = store.Name
