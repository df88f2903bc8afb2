package store
import ("testing";"os";"net/url";"log/slog";"strings";"time")
func TestX(t *testing.T){ at:=pgMigrated(t); if o:=os.Getenv("PORTVAKT_X"); o!="" { at+="&options="+url.QueryEscape(o); at=strings.ReplaceAll(at,"+","%20") }
 a,b:=openFor(t,Options{URL:at, Log: slog.New(slog.DiscardHandler)}),openFor(t,Options{URL:at})
 before:=a.Counts().Writes+b.Counts().Writes; s:=time.Now()
 manyWriters(t,a,b)
 t.Log("statements per tx", float64(a.Counts().Writes+b.Counts().Writes-before)/800, time.Since(s))
}
