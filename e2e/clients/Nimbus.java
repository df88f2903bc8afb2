import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jwt.JWTParser;
import com.nimbusds.oauth2.sdk.AuthorizationCode;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.ParseException;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
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
import com.nimbusds.oauth2.sdk.token.RefreshToken;
import com.nimbusds.oauth2.sdk.util.JSONObjectUtils;
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
import com.nimbusds.openid.connect.sdk.validators.LogoutTokenValidator;
import java.io.IOException;
import java.net.CookieManager;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.minidev.json.JSONObject;

/**
 * What an app does that is built on the Java library oauth2-oidc-sdk by Connect2id ("Nimbus"), against a running Portvakt. It reads from
 * standard input what was registered, and prints a line for each thing that has worked.
 */
final class Nimbus {
  private static final HttpClient http = HttpClient.newBuilder().cookieHandler(new CookieManager()).build(); // a person's browser without scripts
  private static String back;

  public static void main(String[] args) throws Exception {
    JSONObject told = JSONObjectUtils.parse(new String(System.in.readAllBytes(), StandardCharsets.UTF_8));
    JSONObject app = JSONObjectUtils.getJSONObject(JSONObjectUtils.getJSONObject(told, "apps"), "told");
    back = (String) app.get("redirect_uri");
    ClientID id = new ClientID((String) app.get("client_id"));
    Secret secret = new Secret((String) app.get("client_secret"));

    OIDCProviderMetadata portvakt = OIDCProviderMetadata.resolve(new Issuer((String) told.get("issuer")));
    done("discovery");

    State state = new State();
    Nonce nonce = new Nonce();
    CodeVerifier verifier = new CodeVerifier();
    URI request = new AuthenticationRequest.Builder(ResponseType.CODE, new Scope("openid", "email"), id, URI.create(back))
        .endpointURI(portvakt.getAuthorizationEndpointURI()).state(state).nonce(nonce)
        .codeChallenge(verifier, CodeChallengeMethod.S256).build().toURI();
    var answer = AuthenticationResponseParser.parse(logIn(request, JSONObjectUtils.getJSONObject(told, "person")));
    must(answer.indicatesSuccess() && answer.getState().equals(state) && answer.getIssuer().equals(portvakt.getIssuer()), "an answer");
    AuthorizationCode code = answer.toSuccessResponse().getAuthorizationCode();
    OIDCTokenResponse tokens = tokens(portvakt, id, secret, new AuthorizationCodeGrant(code, URI.create(back), verifier));
    done("code flow with PKCE");

    var keys = portvakt.getJWKSetURI().toURL();
    var claims = new IDTokenValidator(portvakt.getIssuer(), id, JWSAlgorithm.ES256, keys).validate(tokens.getOIDCTokens().getIDToken(), nonce);
    done("the ID token");

    var info = UserInfoResponse.parse(new UserInfoRequest(portvakt.getUserInfoEndpointURI(), tokens.getOIDCTokens().getAccessToken()).toHTTPRequest().send());
    must(info.indicatesSuccess() && info.toSuccessResponse().getUserInfo().getSubject().equals(claims.getSubject()), "userinfo");
    done("userinfo");

    RefreshToken first = tokens.getOIDCTokens().getRefreshToken();
    RefreshToken second = tokens(portvakt, id, secret, new RefreshTokenGrant(first)).getOIDCTokens().getRefreshToken();
    must(!second.equals(first), "a rotated refresh token");
    done("refresh");

    URI out = new LogoutRequest(portvakt.getEndSessionEndpointURI(), tokens.getOIDCTokens().getIDToken(), URI.create(back), state).toURI();
    must(go(out, null).toString().equals(back + "?state=" + state), "sign-out");
    String heard = http.send(HttpRequest.newBuilder(URI.create((String) told.get("heard"))).build(), HttpResponse.BodyHandlers.ofString()).body();
    var logout = new LogoutTokenValidator(portvakt.getIssuer(), id, JWSAlgorithm.ES256, keys).validate(JWTParser.parse(heard));
    must(logout.getSubject().equals(claims.getSubject()) && logout.getSessionID().getValue().equals(claims.getStringClaim("sid")), "a logout token");
    done("back-channel logout");
  }

  private static OIDCTokenResponse tokens(OIDCProviderMetadata portvakt, ClientID id, Secret secret, AuthorizationGrant grant)
      throws IOException, ParseException {
    var request = new TokenRequest.Builder(portvakt.getTokenEndpointURI(), new ClientSecretBasic(id, secret), grant).build();
    var answer = OIDCTokenResponseParser.parse(request.toHTTPRequest().send());
    must(answer.indicatesSuccess(), "tokens");
    return (OIDCTokenResponse) answer.toSuccessResponse();
  }

  /** Goes from the app's request to the app, by way of the address and the password. */
  private static URI logIn(URI request, JSONObject person) throws Exception {
    Object at = go(request, null);
    for (String field : new String[] {"address", "password"}) {
      var page = (HttpResponse<?>) at;
      Matcher action = Pattern.compile("<form method=\"post\" action=\"(/signin[^\"]*)\"").matcher((String) page.body());
      must(action.find(), "a page with a form");
      String form = field + "=" + URLEncoder.encode((String) person.get(field), StandardCharsets.UTF_8);
      at = go(page.uri().resolve(action.group(1).replace("&amp;", "&").replace("&#43;", "+")), form);
    }
    return (URI) at;
  }

  /** Follows an address to a page, or to the app: then it is the app's address. */
  private static Object go(URI address, String form) throws Exception {
    for (int hop = 0; hop < 20; hop++) {
      var request = HttpRequest.newBuilder(address);
      if (form != null) {
        request.header("Content-Type", "application/x-www-form-urlencoded").POST(HttpRequest.BodyPublishers.ofString(form));
      }
      var page = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
      var refresh = page.headers().firstValue("Refresh").map(value -> value.substring("0; url=".length()));
      var onward = page.headers().firstValue("Location").or(() -> refresh);
      if (onward.isEmpty()) {
        return page;
      }
      address = address.resolve(onward.get());
      form = null;
      if (address.toString().startsWith(back)) {
        return address;
      }
    }
    throw new IllegalStateException("it leads nowhere: " + address);
  }

  private static void done(String what) {
    System.out.println("ok " + what);
  }

  private static void must(boolean truth, String what) {
    if (!truth) {
      throw new IllegalStateException("not so: " + what);
    }
  }
}
