#!/usr/bin/env python3
"""Recording mock upstream for all providers MLflow's gateway speaks to. stdlib only.
usage: mock.py PORT [LOGFILE]
GET /__records -> JSON list; POST /__reset -> clears. Magic words in the request body choose failures:
 MOCK401 MOCK429 MOCK500 MOCK500TEXT MOCK503HTML MOCKSLEEP MOCKNOCT MOCKBADJSON MOCKTOOLS MOCKMIDSTREAM MOCKDROP MOCKEXTRA MOCKMULTI"""
import json, sys, time, threading, re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
REC=[]; LOCK=threading.Lock(); LOG=None
def oai_err(msg,typ,code): return {"error":{"message":msg,"type":typ,"param":None,"code":code}}
class H(BaseHTTPRequestHandler):
    protocol_version="HTTP/1.1"
    def log_message(self,*a): pass
    def setup(self):
        super().setup()
        import socket
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    def out(self,status,obj,ct="application/json",extra=None):
        b=obj if isinstance(obj,bytes) else (json.dumps(obj).encode() if not isinstance(obj,str) else obj.encode())
        self.send_response(status)
        if ct: self.send_header("content-type",ct)
        for k,v in (extra or {}).items(): self.send_header(k,v)
        self.send_header("content-length",str(len(b))); self.end_headers(); self.wfile.write(b)
    def sse(self,lines,drop=False,headers=None):
        self.send_response(200); self.send_header("content-type","text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding","chunked"); self.end_headers()
        for l in lines:
            b=l.encode(); self.wfile.write(b"%x\r\n"%len(b)+b+b"\r\n"); self.wfile.flush(); time.sleep(0.005)
        if drop: self.connection.close(); self.close_connection=True; return
        self.wfile.write(b"0\r\n\r\n"); self.wfile.flush()
    def do_GET(self):
        if self.path=="/__records":
            with LOCK: return self.out(200,REC)
        if self.path=="/health" or self.path=="/ping": return self.out(200,{"status":"OK"})
        return self.out(404,{"error":{"message":"no such path "+self.path}})
    def do_POST(self):
        if self.headers.get("transfer-encoding","")=="chunked":
            raw=b""
            while True:
                n=int(self.rfile.readline().strip() or b"0",16)
                if n==0: self.rfile.readline(); break
                raw+=self.rfile.read(n); self.rfile.readline()
        else: raw=self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path=="/__reset":
            with LOCK: REC.clear()
            return self.out(200,{})
        try: body=json.loads(raw)
        except Exception: body=None
        hs=[[k,v] for k,v in self.headers.items()]
        orig=self.headers.get("x-original-url")
        rec={"method":"POST","url":orig or self.path,"path":self.path,"headers":[h for h in hs if h[0].lower() not in("x-original-url",)],"body":body if body is not None else raw.decode("latin1"),"body_raw":raw.decode("utf8","replace")}
        with LOCK:
            REC.append(rec)
            if LOG: LOG.write(json.dumps(rec)+"\n"); LOG.flush()
        t=raw.decode("utf8","replace")
        if "MOCKSLEEP" in t: time.sleep(8)
        if "MOCK401" in t: return self.out(401,oai_err("Incorrect API key provided: sk-bad.","invalid_request_error","invalid_api_key"))
        if "MOCK429" in t: return self.out(429,oai_err("Rate limit reached for gpt-3.5-turbo","requests","rate_limit_exceeded"),extra={"retry-after":"7"})
        if "MOCK500TEXT" in t: return self.out(500,"upstream blew up","text/plain")
        if "MOCK500" in t: return self.out(500,oai_err("The server had an error","server_error",None))
        if "MOCK422STR" in t: return self.out(422,{"message":"flat error message","code":"x"})
        if "MOCKERRSTR" in t: return self.out(400,{"error":"a plain string error"})
        if "MOCK503HTML" in t: return self.out(503,"<html>unavailable</html>","text/html")
        if "MOCKNOCT" in t: return self.out(200,"{}",None)
        if "MOCKBADJSON" in t: return self.out(200,"{not json","application/json")
        if "MOCKDROP" in t: self.connection.close(); self.close_connection=True; return
        p=self.path.split("?")[0]; b=body or {}
        model=b.get("model","mock-model") if isinstance(b,dict) else "m"
        n=int(b.get("n",1) or 1) if isinstance(b,dict) else 1
        if p.endswith("/chat/completions"):
            if b.get("stream"):
                base={"id":"chatcmpl-abc123","object":"chat.completion.chunk","created":1677858242,"model":model,"system_fingerprint":"fp_1"}
                ch=[({"role":"assistant","content":""},None),({"content":"Hello"},None),({"content":" world \u00e9"},None),({}, "stop")]
                ls=["data: "+json.dumps({**base,"choices":[{"index":0,"delta":d,"logprobs":None,"finish_reason":f}]})+"\n\n" for d,f in ch]
                if (b.get("stream_options") or {}).get("include_usage"): ls.append("data: "+json.dumps({**base,"choices":[],"usage":{"prompt_tokens":13,"completion_tokens":7,"total_tokens":20}})+"\n\n")
                if "MOCKTOOLS" in t:
                    ls=["data: "+json.dumps({**base,"choices":[{"index":0,"delta":d,"finish_reason":f}]})+"\n\n" for d,f in [({"role":"assistant","content":None,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"get_weather","arguments":""}}]},None),({"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]},None),({"tool_calls":[{"index":0,"function":{"arguments":"\"SF\"}"}}]},None),({}, "tool_calls")]]
                if "MOCKMIDSTREAM" in t: return self.sse(ls[:2],drop=True)
                if "MOCKERRSTREAM" in t: return self.sse(ls[:1]+["data: "+json.dumps(oai_err("boom mid stream","server_error",None))+"\n\n"])
                ls.append("data: [DONE]\n\n")
                return self.sse(ls)
            msg={"role":"assistant","content":"\n\nThis is a test!"}
            fin="stop"
            if "MOCKTOOLS" in t:
                msg={"role":"assistant","content":None,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"SF\"}"}}]}; fin="tool_calls"
            r={"id":"chatcmpl-abc123","object":"chat.completion","created":1677858242,"model":model,"system_fingerprint":"fp_1",
               "choices":[{"index":i,"message":msg,"logprobs":None,"finish_reason":fin} for i in range(n)],
               "usage":{"prompt_tokens":13,"completion_tokens":7,"total_tokens":20}}
            if "MOCKLENGTH" in t: r["choices"][0]["finish_reason"]="length"
            if "MOCKFILTER" in t: r["choices"][0]["finish_reason"]="content_filter"
            if "MOCKNOUSAGE" in t: r.pop("usage")
            if "MOCKNULL" in t: r["choices"][0]["message"]["content"]=None
            if "MOCKEXTRA" in t:
                r["usage"]["prompt_tokens_details"]={"cached_tokens":5}; r["choices"][0]["message"]["refusal"]=None; r["choices"][0]["message"]["annotations"]=[]; r["service_tier"]="default"
            return self.out(200,r)
        if p.endswith("/completions"):
            if b.get("stream"):
                base={"id":"cmpl-abc123","object":"text_completion","created":1589478378,"model":model}
                ls=["data: "+json.dumps({**base,"choices":[{"index":0,"text":x,"delta":{"content":x},"logprobs":None,"finish_reason":f}]})+"\n\n" for x,f in [("Hello",None),(" world",None),("","stop")]]
                return self.sse(ls+["data: [DONE]\n\n"])
            if "MOCKSTRICT" in t: return self.out(200,{"id":"cmpl-abc123","object":"text_completion","created":1589478378,"model":model,"choices":[{"text":"\n\nThis is indeed a test","index":0,"logprobs":None,"finish_reason":"length"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}})
            return self.out(200,{"id":"cmpl-abc123","object":"text_completion","created":1589478378,"model":model,"choices":[{"text":"\n\nThis is indeed a test","message":{"role":"assistant","content":"\n\nThis is indeed a test"},"index":i,"logprobs":None,"finish_reason":"length"} for i in range(n)],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}})
        if p.endswith("/responses"):
            if b.get("stream"):
                return self.sse(["event: response.created\ndata: "+json.dumps({"type":"response.created","response":{"id":"resp_1","model":model}})+"\n\n","event: response.output_text.delta\ndata: "+json.dumps({"type":"response.output_text.delta","delta":"Hi"})+"\n\n","event: response.completed\ndata: "+json.dumps({"type":"response.completed","response":{"id":"resp_1","model":model,"output":[],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}})+"\n\n"])
            return self.out(200,{"id":"resp_1","object":"response","created_at":1741476542,"status":"completed","model":model,"output":[{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hi","annotations":[]}]}],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}})
        if p.endswith("/embeddings"):
            inp=b.get("input"); k=len(inp) if isinstance(inp,list) and inp and not isinstance(inp[0],int) else 1
            return self.out(200,{"object":"list","data":[{"object":"embedding","embedding":[0.1+i,0.2,0.3],"index":i} for i in range(k)],"model":model,"usage":{"prompt_tokens":8,"total_tokens":8}})
        if p.endswith("/messages") or "rawPredict" in p or "streamRawPredict" in p:
            if b.get("stream"):
                def e(n,o): return "event: %s\ndata: %s\n\n"%(n,json.dumps(o))
                if "MOCKTOOLS" in t:
                    return self.sse([e("message_start",{"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","content":[],"model":model,"stop_reason":None,"stop_sequence":None,"usage":{"input_tokens":10,"output_tokens":1}}}),
                     e("content_block_start",{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{}}}),
                     e("content_block_delta",{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"city\": \"SF\"}"}}),
                     e("content_block_stop",{"type":"content_block_stop","index":0}),
                     e("message_delta",{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":None},"usage":{"output_tokens":15}}),e("message_stop",{"type":"message_stop"})])
                return self.sse([e("message_start",{"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","content":[],"model":model,"stop_reason":None,"stop_sequence":None,"usage":{"input_tokens":10,"output_tokens":1}}}),
                 e("content_block_start",{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}),e("ping",{"type":"ping"}),
                 e("content_block_delta",{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}),
                 e("content_block_delta",{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"!"}}),
                 e("content_block_stop",{"type":"content_block_stop","index":0}),
                 e("message_delta",{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":None},"usage":{"output_tokens":15}}),e("message_stop",{"type":"message_stop"})])
            c=[{"type":"text","text":"Response message"}]; sr="end_turn"
            if "MOCKTOOLS" in t: c=[{"type":"text","text":"I will check."},{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{"city":"SF"}}]; sr="tool_use"
            if "MOCKLENGTH" in t: sr="max_tokens"
            return self.out(200,{"id":"msg_01","type":"message","role":"assistant","content":c,"model":model,"stop_reason":sr,"stop_sequence":None,"usage":{"input_tokens":10,"output_tokens":25}})
        if "/studio/v1/" in p: # AI21
            return self.out(200,{"id":"7921","prompt":{"text":"This is"},"completions":[{"data":{"text":" a test"},"finishReason":{"reason":"length","length":2}}]})
        if p.endswith("/complete"): return self.out(200,{"completion":" Hello! My name is Claude.","stop_reason":"stop_sequence","model":model,"truncated":False,"stop":"\n\nHuman:","log_id":"dee1","exception":None})
        if p.endswith("/v1/generate") or (p.endswith("/generate") and "cohere" in (orig or "")):
            if b.get("stream"):
                ls=[json.dumps({"is_finished":False,"event_type":"text-generation","text":" Hello"})+"\n",json.dumps({"is_finished":True,"event_type":"stream-end","finish_reason":"COMPLETE","response":{"id":"g1","generations":[{"id":"g2","text":" Hello","finish_reason":"COMPLETE"}],"prompt":"p"}})+"\n"]
                return self.sse(ls)
            return self.out(200,{"id":"string","generations":[{"id":"string","text":"This is a test","finish_reason":"COMPLETE"}],"prompt":"p","meta":{"api_version":{"version":"1"}}})
        if p.endswith("/generate"): # TGI
            return self.out(200,{"generated_text":"this is a test","details":{"finish_reason":"length","generated_tokens":5,"seed":0,"prefill":[{"id":0,"text":"a","logprob":0.0},{"id":1,"text":"b","logprob":0.0}],"tokens":[],"best_of_sequences":[]}})
        if p.endswith("/embed"):
            k=len(b.get("texts") or [1]); return self.out(200,{"id":"bc57","texts":b.get("texts"),"embeddings":[[3.25+i,0.5] for i in range(k)],"meta":{"api_version":{"version":"1"}}})
        if p.endswith("/v1/chat") : # cohere chat
            if b.get("stream"):
                ls=[json.dumps(x)+"\n" for x in [{"is_finished":False,"event_type":"stream-start","generation_id":"abc"},{"is_finished":False,"event_type":"text-generation","text":"Hi"},{"is_finished":True,"event_type":"stream-end","finish_reason":"COMPLETE","response":{"response_id":"r1","text":"Hi","generation_id":"abc"}}]]
                return self.sse(ls)
            return self.out(200,{"response_id":"abc123","text":"How are you?","generation_id":"def456","token_count":{"prompt_tokens":83,"response_tokens":63,"total_tokens":146,"billed_tokens":128},"meta":{"api_version":{"version":"1"},"billed_units":{"input_tokens":83,"output_tokens":63}},"finish_reason":"COMPLETE","tool_inputs":None})
        if p.endswith(":generateMessage"): return self.out(200,{"candidates":[{"author":"1","content":"Hi there!"}],"messages":[{"author":"0","content":"hi"}]})
        if p.endswith(":generateText"): return self.out(200,{"candidates":[{"output":"This is a test","safetyRatings":[]}]})
        if p.endswith(":batchEmbedText"): return self.out(200,{"embeddings":[{"value":[3.25,0.75]} for _ in b.get("texts",[1])]})
        if p.endswith(":batchEmbedContents"): return self.out(200,{"embeddings":[{"values":[3.25,0.75]} for _ in b.get("requests",[1])]})
        if p.endswith(":embedContent"): return self.out(200,{"embedding":{"values":[3.25,0.75]}})
        if p.endswith(":streamGenerateContent"):
            ls=["data: "+json.dumps(x)+"\r\n\r\n" for x in [{"candidates":[{"content":{"parts":[{"text":"Hel"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4},"modelVersion":"gemini-2.0-flash"},{"candidates":[{"content":{"parts":[{"text":"lo"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":2,"totalTokenCount":6},"modelVersion":"gemini-2.0-flash"}]]
            return self.sse(ls)
        if p.endswith(":generateContent"):
            return self.out(200,{"candidates":[{"content":{"parts":[{"text":"This is Gemini"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":3,"totalTokenCount":7},"modelVersion":"gemini-2.0-flash"})
        if p.endswith("/v1/predict"): # MosaicML
            if "instructor" in p or "embed" in p: return self.out(200,{"outputs":[[3.25,0.5],[1.5,2.5]][:len(b.get("inputs",[1]))]})
            return self.out(200,{"outputs":["This is a test"]})
        if p.endswith("/invocations"):
            if "MOCKEMB" in t or "embtext" in t: return self.out(200,{"predictions":[[0.1,0.2],[0.3,0.4]][:len(b.get("inputs",[1]))]})
            if "MOCKDICT" in t: return self.out(200,{"predictions":{"candidates":["a","b"]}})
            if "MOCKWRONG" in t: return self.out(200,{"outputs":["x"]})
            if "MOCKINTS" in t: return self.out(200,{"predictions":[1,2]})
            if "MOCKEMPTY" in t: return self.out(200,{"predictions":[]})
            return self.out(200,{"predictions":["hello from served model"]})
        m=re.match(r"/model/([^/]+)/(invoke|converse)(-with-response-stream|-stream)?",p)
        if m:
            mid=m.group(1)
            if m.group(2)=="converse": return self.out(200,{"output":{"message":{"role":"assistant","content":[{"text":"converse says hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":3,"outputTokens":4,"totalTokens":7},"metrics":{"latencyMs":10}})
            if "anthropic" in mid: return self.out(200,{"completion":"bedrock claude","stop_reason":"stop_sequence"})
            if "ai21" in mid: return self.out(200,{"id":1,"completions":[{"data":{"text":"bedrock j2"},"finishReason":{"reason":"length"}}]})
            if "cohere" in mid: return self.out(200,{"id":"a","generations":[{"id":"b","text":"bedrock cohere"}],"prompt":"p"})
            if "embed" in mid: return self.out(200,{"embedding":[0.1,0.2],"inputTextTokenCount":3})
            return self.out(200,{"inputTextTokenCount":3,"results":[{"tokenCount":4,"outputText":"bedrock titan","completionReason":"FINISH"}]})
        return self.out(404,{"error":{"message":"mock: no such path "+p}})
if __name__=="__main__":
    if len(sys.argv)>2: LOG=open(sys.argv[2],"a")
    s=ThreadingHTTPServer(("127.0.0.1",int(sys.argv[1])),H); s.daemon_threads=True
    print("mock on",sys.argv[1],flush=True); s.serve_forever()
