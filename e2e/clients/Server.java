import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jwt.JWT;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.openid.connect.sdk.AuthenticationRequest;
import com.nimbusds.openid.connect.sdk.AuthenticationResponseParser;
import com.nimbusds.openid.connect.sdk.LogoutRequest;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponse;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.UserInfoRequest;
import com.nimbusds.openid.connect.sdk.UserInfoResponse;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;

/**
 * A server that people log in to, built on the Java library oauth2-oidc-sdk by Connect2id. Its sessions are in its memory: in earnest they are in a
 * database, and end.
 *
 * <pre>ISSUER=https://login.example.com CLIENT_ID=… CLIENT_SECRET=… BASE_URL=https://app.example.com PORT=3000 java -cp 'java/*' Server.java</pre>
 *
 * It is registered with the redirect URI BASE_URL/callback, the login address BASE_URL/login, and BASE_URL/ for after the logout.
 */
final class Server {
  private static final String base = System.getenv("BASE_URL");
  private static final URI back = URI.create(base + "/callback");
  private static final ClientID id = new ClientID(System.getenv("CLIENT_ID"));
  private static final ClientSecretBasic secret = new ClientSecretBasic(id, new Secret(System.getenv("CLIENT_SECRET")));
  private static final Map<String, Session> sessions = new ConcurrentHashMap<>(); // by the cookie
  private static OIDCProviderMetadata provider;

  private sealed interface Session {}

  private record Login(State state, Nonce nonce, CodeVerifier verifier) implements Session {}

  private record Person(String name, JWT hint) implements Session {}

  public static void main(String[] args) throws Exception {
    provider = OIDCProviderMetadata.resolve(new Issuer(System.getenv("ISSUER")));
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(System.getenv("PORT"))), 0);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext("/", Server::answer);
    server.start();
    System.out.println("http://127.0.0.1:" + server.getAddress().getPort());
  }

  private static void answer(HttpExchange e) throws IOException {
    String path = e.getRequestURI().getPath();
    var cookie = Pattern.compile("(?:^|; )app=([\\w-]+)").matcher(String.valueOf(e.getRequestHeaders().getFirst("Cookie")));
    String name = cookie.find() ? cookie.group(1) : "";
    Session session = sessions.get(name);
    try {
      switch (e.getRequestMethod() + " " + path) {
        case "GET /" -> {
          if (session instanceof Person p) {
            page(e, 200, "Hello " + p.name(), "<form method=\"post\" action=\"/logout\"><button>Log out</button></form>");
          } else {
            page(e, 200, "Nobody is logged in", "<a href=\"/login\">Log in</a>");
          }
        }
        case "GET /login" -> login(e);
        case "GET /callback" -> callback(e, name, session);
        case "POST /logout" -> {
          if (session instanceof Person p) {
            sessions.remove(name);
            move(e, new LogoutRequest(provider.getEndSessionEndpointURI(), p.hint(), URI.create(base + "/"), null).toURI(), null);
          } else {
            move(e, URI.create("/"), null);
          }
        }
        default -> page(e, 404, "There is no such page", "");
      }
    } catch (Exception wrong) {
      page(e, 400, "That did not work", "<p>" + text(String.valueOf(wrong.getMessage())) + "</p><a href=\"/login\">Log in</a>");
    }
  }

  private static void login(HttpExchange e) throws IOException {
    var login = new Login(new State(), new Nonce(), new CodeVerifier());
    var request = new AuthenticationRequest.Builder(ResponseType.CODE, new Scope("openid", "profile"), id, back)
        .endpointURI(provider.getAuthorizationEndpointURI()).state(login.state()).nonce(login.nonce())
        .codeChallenge(login.verifier(), CodeChallengeMethod.S256);
    var hint = Pattern.compile("(?:^|&)login_hint=([^&]*)").matcher(String.valueOf(e.getRequestURI().getQuery())); // Portvakt sends people here too
    if (hint.find()) {
      request.loginHint(hint.group(1));
    }
    move(e, request.build().toURI(), login);
  }

  private static void callback(HttpExchange e, String name, Session session) throws Exception {
    var answer = AuthenticationResponseParser.parse(URI.create(base + e.getRequestURI()));
    must(session instanceof Login, "no login is under way in this browser");
    var login = (Login) session;
    must(sessions.remove(name, session), "an answer counts once");
    must(login.state().equals(answer.getState()), "the answer is to another request");
    must(provider.getIssuer().equals(answer.getIssuer()), "the answer is another provider's"); // RFC 9207
    must(answer.indicatesSuccess(), "no login");
    var grant = new AuthorizationCodeGrant(answer.toSuccessResponse().getAuthorizationCode(), back, login.verifier());
    var got = OIDCTokenResponseParser.parse(new TokenRequest.Builder(provider.getTokenEndpointURI(), secret, grant).build().toHTTPRequest().send());
    must(got.indicatesSuccess(), "the code is refused");
    var tokens = ((OIDCTokenResponse) got.toSuccessResponse()).getOIDCTokens();
    var claims = new IDTokenValidator(provider.getIssuer(), id, JWSAlgorithm.ES256, provider.getJWKSetURI().toURL()).validate(tokens.getIDToken(), login.nonce());
    var info = UserInfoResponse.parse(new UserInfoRequest(provider.getUserInfoEndpointURI(), tokens.getAccessToken()).toHTTPRequest().send());
    must(info.indicatesSuccess() && info.toSuccessResponse().getUserInfo().getSubject().equals(claims.getSubject()), "no userinfo");
    move(e, URI.create("/"), new Person(info.toSuccessResponse().getUserInfo().getName(), tokens.getIDToken()));
  }

  private static void page(HttpExchange e, int status, String heading, String rest) throws IOException {
    byte[] page = ("<!doctype html><html lang=\"en\"><title>App</title><h1>" + text(heading) + "</h1>" + rest + "</html>").getBytes(StandardCharsets.UTF_8);
    e.getResponseHeaders().set("Content-Type", "text/html; charset=utf-8");
    e.getResponseHeaders().set("Cache-Control", "no-store");
    e.sendResponseHeaders(status, page.length);
    e.getResponseBody().write(page);
    e.close();
  }

  /** Sends the browser on. Each step has a cookie of its own: what was known before it opens nothing after it. */
  private static void move(HttpExchange e, URI to, Session session) throws IOException {
    String name = session == null ? "" : new State(32).getValue(); // 256 random bits
    if (session != null) {
      sessions.put(name, session);
    }
    e.getResponseHeaders().set("Location", to.toString());
    e.getResponseHeaders().set("Set-Cookie", "app=" + name + "; Path=/; HttpOnly; SameSite=Lax" + (base.startsWith("https:") ? "; Secure" : "") + (session == null ? "; Max-Age=0" : ""));
    e.sendResponseHeaders(303, -1);
    e.close();
  }

  private static String text(String s) {
    return s.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
  }

  private static void must(boolean truth, String otherwise) {
    if (!truth) {
      throw new IllegalStateException(otherwise);
    }
  }
}
