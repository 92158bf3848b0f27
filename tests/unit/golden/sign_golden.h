/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Written by make_sign_golden.py with botocore 1.43.11: do not edit.
 * What a case leaves out is GOLDEN_*.
 */
#define GOLDEN_ACCESS "AKIDEXAMPLE"
#define GOLDEN_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define GOLDEN_METHOD "GET"
#define GOLDEN_HOST "bucket.s3.eu-west-1.amazonaws.com"
#define GOLDEN_PATH "/"
#define GOLDEN_QUERY ""
#define GOLDEN_REGION "eu-west-1"
#define GOLDEN_DATE "20150830T123600Z"
#define GOLDEN_TIME 1440938160

static const struct golden golden[] = {
    {.name = "plain",
     .path = "/test.txt",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=823f3e99b68dca54766074825976c0cf3fbfdde33d4c303f82867ed9"
         "1e6f470d",
    },
    {.name = "root",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=33f88c76aea3eec76c35dbd527b77fbcd14d90e60a7413d5a1499de5"
         "c7257e81",
    },
    {.name = "token",
     .path = "/test.txt",
     .token = "FwoGZXIvYXdzE//////////wEaDEXAMPLE+/==",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-"
         "amz-security-token, Signature=f18e470a984aff0c966c11d509b7d02a353"
         "e410e38d0b9e208f132e553287f97",
    },
    {.name = "secret of 59 bytes",
     .secret =
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789a",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=85d40bf8b7825c06989f5d586b8b0d3ac9361f86a3afa3ba9d0fceb8"
         "dd99595b",
    },
    {.name = "secret of 60 bytes",
     .secret =
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=77bdaf232cd4d0004279c5d1b2b66f3e36e8adadf93ba794b100ac22"
         "6ccdc03d",
    },
    {.name = "secret of 61 bytes",
     .secret =
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abc",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=eb1ebfe1aef2b9652abeab8e4b1f4dfe099105becc700f6b4ce767d7"
         "6630a890",
    },
    {.name = "secret of 64 bytes",
     .secret =
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
         "",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=81df1b12fe643d7e07719aa54013bb8a4235e4b41a9af6e7f3cbe9aa"
         "8947a9fb",
    },
    {.name = "secret of 200 bytes",
     .secret =
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0"
         "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef01"
         "234567",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ecf23919b4518872183a013440384e3f42d30a2f2f7775c087e13c58"
         "3e0a3ba8",
    },
    {.name = "port",
     .host = "127.0.0.1:7070",
     .path = "/bucket/key",
     .region = "us-east-1",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=19791b2323f4dbc3578a375b0844a9906de758c50dd3487ba2826ee0"
         "daefa754",
    },
    {.name = "leap day",
     .path = "/k",
     .time = 1709164799,
     .date = "20240228T235959Z",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240228/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=2c9d1d5244b643b59a35dc45ca5edb33d2fa4d3eed6b92ef9622cddf"
         "a12cedb0",
    },
    {.name = "every byte but NUL in a key",
     .path =
         "/%01%02%03%04%05%06%07%08%09%0A%0B%0C%0D%0E%0F%10%11%12%13%14%15"
         "%16%17%18%19%1A%1B%1C%1D%1E%1F%20%21%22%23%24%25%26%27%28%29%2A%2"
         "B%2C-./0123456789%3A%3B%3C%3D%3E%3F%40ABCDEFGHIJKLMNOPQRSTUVWXYZ%"
         "5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~%7F%80%81%82%8"
         "3%84%85%86%87%88%89%8A%8B%8C%8D%8E%8F%90%91%92%93%94%95%96%97%98%"
         "99%9A%9B%9C%9D%9E%9F%A0%A1%A2%A3%A4%A5%A6%A7%A8%A9%AA%AB%AC%AD%AE"
         "%AF%B0%B1%B2%B3%B4%B5%B6%B7%B8%B9%BA%BB%BC%BD%BE%BF%C0%C1%C2%C3%C"
         "4%C5%C6%C7%C8%C9%CA%CB%CC%CD%CE%CF%D0%D1%D2%D3%D4%D5%D6%D7%D8%D9%"
         "DA%DB%DC%DD%DE%DF%E0%E1%E2%E3%E4%E5%E6%E7%E8%E9%EA%EB%EC%ED%EE%EF"
         "%F0%F1%F2%F3%F4%F5%F6%F7%F8%F9%FA%FB%FC%FD%FE%FF",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=805d7a54ca1d5124138954b43d3ecb9f99f9bd8cbe61e4c8dc894bf7"
         "6fffd3d7",
    },
    {.name = "key with byte 0x01",
     .path = "/dir/a%01b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8f7e990ef9fe94bb145a4ce7e3faf7ac56cda00ac2bdccf102fb35fc"
         "7067c1a3",
    },
    {.name = "key with byte 0x02",
     .path = "/dir/a%02b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=9a8c4b4400cbdd40ce19b2354998ec287b05af12815650e17118071d"
         "065abf44",
    },
    {.name = "key with byte 0x03",
     .path = "/dir/a%03b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=cb599bd8c7fce0f5cfb9cb98a8aba58ae5dbb1f9cdc4509c61e67878"
         "79b75cde",
    },
    {.name = "key with byte 0x04",
     .path = "/dir/a%04b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8e248d11f1b3d91578bc0e0cec40c132fd8efc97157b0629abb98346"
         "34f75df2",
    },
    {.name = "key with byte 0x05",
     .path = "/dir/a%05b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=1b3538b9033fae4b33b9c4719d967bd2f4fccca2f392c62c8660d4ad"
         "51882c7d",
    },
    {.name = "key with byte 0x06",
     .path = "/dir/a%06b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=5fa94c5f69daa4a3caff897259d9d8d7722e3bb9f2204ff774fc9271"
         "43f2ad2f",
    },
    {.name = "key with byte 0x07",
     .path = "/dir/a%07b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=70985c5c4718f6846fbd8093447ba0ba32a9196904fbc5cd82e684aa"
         "2cb58a1e",
    },
    {.name = "key with byte 0x08",
     .path = "/dir/a%08b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=610e4bf95bfd59dbb46cb18907cab52073780d1885e11a9ed7bcfbb3"
         "c5d6d35e",
    },
    {.name = "key with byte 0x09",
     .path = "/dir/a%09b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=2d3d2ca97638680844bb52890ae2df0a61b57a4763b390746343cd8d"
         "5026dff6",
    },
    {.name = "key with byte 0x0a",
     .path = "/dir/a%0Ab",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=0b748a92bc0e51c8a03f8b1e671d676a1ffc68aa36ad4961963a4983"
         "652cbe18",
    },
    {.name = "key with byte 0x0b",
     .path = "/dir/a%0Bb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=4d036698cf2641d727551ff8c3ef020f03e80e3b0616e98987335153"
         "66315281",
    },
    {.name = "key with byte 0x0c",
     .path = "/dir/a%0Cb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=7ce2b9bcdbbb3c955f68e3aec895fde391470bffee70f1e16ef13392"
         "6597d23a",
    },
    {.name = "key with byte 0x0d",
     .path = "/dir/a%0Db",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8ad49c9ecc8f699eb9d67c6531e02b18a6985c8f2a3c9a03443a3904"
         "bead1a99",
    },
    {.name = "key with byte 0x0e",
     .path = "/dir/a%0Eb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=516d70e374e363524fb93262c0a0713bd71648e012ed51528e52eee9"
         "ecb51c72",
    },
    {.name = "key with byte 0x0f",
     .path = "/dir/a%0Fb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=aa252bc364156caf9896a39a7263497a8b695b8c7c2a31f43e3a3837"
         "641a6dbc",
    },
    {.name = "key with byte 0x10",
     .path = "/dir/a%10b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=2986c08ec9ac51250259c224e084ef326a44b0bb4697356af4d996dd"
         "55fb03a0",
    },
    {.name = "key with byte 0x11",
     .path = "/dir/a%11b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=d9d35921e46cc4e8f4ebb531ad39079b4045f4721df6f8d616c4bf99"
         "d8689811",
    },
    {.name = "key with byte 0x12",
     .path = "/dir/a%12b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8703b45759167ba48ba905ccb8258b2f47520bbafb71570951e9b6ff"
         "c826a159",
    },
    {.name = "key with byte 0x13",
     .path = "/dir/a%13b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=472327c6c44dc1b4235676fc173a1ef16010fd22e38853e1a6a2ef0a"
         "c3e6c9d5",
    },
    {.name = "key with byte 0x14",
     .path = "/dir/a%14b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=545460aeab2ffcada701dd7b132bc927e14be61a29f2c6057c2590af"
         "bc6a397f",
    },
    {.name = "key with byte 0x15",
     .path = "/dir/a%15b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=e6735aaa970795d161cd3dfbcfc7ca107067646b94f6c44598793903"
         "522e4c14",
    },
    {.name = "key with byte 0x16",
     .path = "/dir/a%16b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=3bd70e289cf9289c9fbe4ec0433187740533166de6b6e9b5731ebe70"
         "af311583",
    },
    {.name = "key with byte 0x17",
     .path = "/dir/a%17b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=1ab72abd7effd5a4eb74596a120155dc868ab6dcdb2e46ccd764b00a"
         "e43464b8",
    },
    {.name = "key with byte 0x18",
     .path = "/dir/a%18b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c717f4301868920184e5edb977836470317c736e2b9ddf5dda057bd8"
         "dcefcdaa",
    },
    {.name = "key with byte 0x19",
     .path = "/dir/a%19b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=23f3704142237eaeb63918a66b25ca7ade192ca734a8ae135e62d1f2"
         "df92f184",
    },
    {.name = "key with byte 0x1a",
     .path = "/dir/a%1Ab",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=520907e23e56f9c5c2c2bc15a361af54719783eb4e5c0f3cf441295e"
         "fdaf9d9b",
    },
    {.name = "key with byte 0x1b",
     .path = "/dir/a%1Bb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c14480445905ecc45e557128f0f7226dc27919b6e91dffda516ea475"
         "79bc2bc0",
    },
    {.name = "key with byte 0x1c",
     .path = "/dir/a%1Cb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=6b67b726c4a1733503a7dbba8101eabcaf959878af03ff7b7e3dab92"
         "a69a8b54",
    },
    {.name = "key with byte 0x1d",
     .path = "/dir/a%1Db",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ced587edb53989f192f5b706c2718f44247d39fb5d107af442f3dbde"
         "cd4d4afc",
    },
    {.name = "key with byte 0x1e",
     .path = "/dir/a%1Eb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=6d6a5f6b841ce2a926e2f32d632e61fe65609364f15ccefb9f0dfd02"
         "0e0d4caf",
    },
    {.name = "key with byte 0x1f",
     .path = "/dir/a%1Fb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=9f23eba53aa0612fb2fbe1901b0f01c526b1e570b68637e03a640e19"
         "0a242460",
    },
    {.name = "key with byte 0x20",
     .path = "/dir/a%20b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=97494b8f738ac5e723ca000317a9a557b466943409be77ae995c522a"
         "89738912",
    },
    {.name = "key with byte 0x21",
     .path = "/dir/a%21b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=1f4585be0f8263dd868439e9d442a9a1370b5afdb4604e9d71b5cb4e"
         "a1727d89",
    },
    {.name = "key with byte 0x22",
     .path = "/dir/a%22b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=40b91f8d5edf873566b723c6893280c3b977200bd7358dc88c55b51a"
         "0e9570bc",
    },
    {.name = "key with byte 0x23",
     .path = "/dir/a%23b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8844634e5c5c42907f36bed1b359da811fc5729e6fa3f3544ca1452c"
         "fa812b98",
    },
    {.name = "key with byte 0x24",
     .path = "/dir/a%24b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=bd0a8ede5186a1c024e70ffd6c0fb0ba84f1a1d76f9d4c6e89c469a6"
         "12feb522",
    },
    {.name = "key with byte 0x25",
     .path = "/dir/a%25b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=d623fd7c648f656c15e8d6a092c26b6a939046dc14cfa2ae938234dd"
         "eb956afb",
    },
    {.name = "key with byte 0x26",
     .path = "/dir/a%26b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=6d3c34c31c200156565ca8b17a557e496efb0e0603f5d79486aac190"
         "6244373c",
    },
    {.name = "key with byte 0x27",
     .path = "/dir/a%27b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=881ed1030ac30f563911f5b287aa0ffbf585c27a86542da530f0a23e"
         "07491447",
    },
    {.name = "key with byte 0x28",
     .path = "/dir/a%28b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=5d2e1e97a118a9f0ff52d973055ac35ef49263ff701a6b18968398c8"
         "1178c90e",
    },
    {.name = "key with byte 0x29",
     .path = "/dir/a%29b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=02fff08a5203eaa7660d6263c8ab16fcbebbdddf8731699ca1a46e4d"
         "0ce5840e",
    },
    {.name = "key with byte 0x2a",
     .path = "/dir/a%2Ab",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=0c84b6a82a541d61e3f8239a4403f62c293064d46c73fe8deb342220"
         "1361597c",
    },
    {.name = "key with byte 0x2b",
     .path = "/dir/a%2Bb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=18b623f73230696505c6450bf11548b9a283ed8f8411301ec3912ea7"
         "fc42677b",
    },
    {.name = "key with byte 0x2c",
     .path = "/dir/a%2Cb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=553784750154416ca0bd3c2f8053a45cbdf4fbf99dcd830418eaa921"
         "d8d945e8",
    },
    {.name = "key with byte 0x2d",
     .path = "/dir/a-b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=31f671a09abdd07aa4209b9788269631fd5e2e20b1bf30ee82b3fcde"
         "ad1f97f5",
    },
    {.name = "key with byte 0x2e",
     .path = "/dir/a.b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=4d57bb40616b1cae1e0c921e3b334f0ee8edac7d8f6d2e32f90253f8"
         "cc60de4a",
    },
    {.name = "key with byte 0x2f",
     .path = "/dir/a/b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=198fae4474fe336be40a00a769e054907c9786cb2c83e42222d6144a"
         "cb699018",
    },
    {.name = "key with byte 0x30",
     .path = "/dir/a0b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=b43cf8c0728f2ad79651accd862dc918c8a0c3fc44a9ed183efcc1c1"
         "5889da34",
    },
    {.name = "key with byte 0x31",
     .path = "/dir/a1b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=eb8de9cb6b556799939f5325ac9e1a2df479eff7c19533665d3c5974"
         "30e40486",
    },
    {.name = "key with byte 0x32",
     .path = "/dir/a2b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=aecb91777a45a026f63ca324cd31edfb8e262faaf1b000c7208ce801"
         "0c8ce097",
    },
    {.name = "key with byte 0x33",
     .path = "/dir/a3b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=7634134b6b382d8e6bb3e8d0488e54da1ede2cde7ac11e1df54cc300"
         "ae285c49",
    },
    {.name = "key with byte 0x34",
     .path = "/dir/a4b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=22dbdba2b2949c09e6cb54d802cc5ef8c81c6b445fa8563c99f6b868"
         "e5988652",
    },
    {.name = "key with byte 0x35",
     .path = "/dir/a5b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=cfff148b7e5c51c81c000f6618948a472866ec2a2c4e60fb8a2cb0b7"
         "94e4832f",
    },
    {.name = "key with byte 0x36",
     .path = "/dir/a6b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=533e738309a78e183fd73ef176696277948d451bf2ed8296b97efd59"
         "2a86bd7f",
    },
    {.name = "key with byte 0x37",
     .path = "/dir/a7b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=3279bb995f28b43f511861a730250a3a5c069f1947be32d1c7204856"
         "f9ddc708",
    },
    {.name = "key with byte 0x38",
     .path = "/dir/a8b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ce7f07d4fe3ebefa3c03d06b685428ceb48501e2e4379c1cbea5bdc8"
         "4ecb3860",
    },
    {.name = "key with byte 0x39",
     .path = "/dir/a9b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8277032f045553adcc6db03399ad704a41d9eb9c7f6f27226449d335"
         "4b35da17",
    },
    {.name = "key with byte 0x3a",
     .path = "/dir/a%3Ab",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=897743162c0475507a3497aec22af930c9b8d48e0881e0ec47a0067f"
         "a44ecf2f",
    },
    {.name = "key with byte 0x3b",
     .path = "/dir/a%3Bb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c6473ca582f86ec7f8a721578883106d2bcdf4115faec1fdad9cb382"
         "9cbbc98e",
    },
    {.name = "key with byte 0x3c",
     .path = "/dir/a%3Cb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=e90ad71c1b01a7fa944d84665522833f4978dc27452bffaa8a95d6cc"
         "af1f4552",
    },
    {.name = "key with byte 0x3d",
     .path = "/dir/a%3Db",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=6b39bd7afa3968ca8ead557b5d3aa4acf87574632056776835434c9b"
         "3a0b240c",
    },
    {.name = "key with byte 0x3e",
     .path = "/dir/a%3Eb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=6d1e342f34949b3fd8a2915012fc51f1e1cb2e368a7d44c320fbbb35"
         "9bccbac2",
    },
    {.name = "key with byte 0x3f",
     .path = "/dir/a%3Fb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=b2fa26f377655e8b6909dc236177794b2b274e22eefafc2c0dafdcea"
         "a4f4ea3b",
    },
    {.name = "key with byte 0x40",
     .path = "/dir/a%40b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8e049f3cae4f5402f58dc60392525ac9c22f4d10934be071dd3f079f"
         "2ccff2d2",
    },
    {.name = "key with byte 0x41",
     .path = "/dir/aAb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ea542e884a41084fbcacbd515ae740266619a533d212b677e6317894"
         "01f00063",
    },
    {.name = "key with byte 0x42",
     .path = "/dir/aBb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=a6245ef03d9bfc5ef4b8fe36be3f9d89f87930b315aaac3cb1fe8041"
         "0cc156f5",
    },
    {.name = "key with byte 0x43",
     .path = "/dir/aCb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=a9f547e8fc76f41ed45fb50d7d385cfb67f0b8e425beea95af2dc2cc"
         "8d928a8d",
    },
    {.name = "key with byte 0x44",
     .path = "/dir/aDb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=671ae9c43ad06cddf5d874f4f57a3d5c138175e5c91959e0446f7b99"
         "a141937a",
    },
    {.name = "key with byte 0x45",
     .path = "/dir/aEb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=341095cc549cf4e1aa9c5d3534fce8c7bdafaebdf40deb38085afc44"
         "2f0417a2",
    },
    {.name = "key with byte 0x46",
     .path = "/dir/aFb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ea70f9d8c9e99a1620fdc4c84ea8d13af3cb78ec3978a43ee63001f7"
         "0af4a47f",
    },
    {.name = "key with byte 0x47",
     .path = "/dir/aGb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ce9823df4e899be6248a5d784b0efae9309584f5526bdac4a48892c5"
         "6ca909e0",
    },
    {.name = "key with byte 0x48",
     .path = "/dir/aHb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=9c9b50a1c28434bf2a131b2c15a85646aeda6e22ab58bf91a005ac51"
         "593883b3",
    },
    {.name = "key with byte 0x49",
     .path = "/dir/aIb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=b17fd980251257bd2c87d138d3a61108c07a37050bad2217ac793f1b"
         "e41afce9",
    },
    {.name = "key with byte 0x4a",
     .path = "/dir/aJb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=a8d96238d82215be0644da389075497e18c1a04f3840dc314769af41"
         "378fcdcc",
    },
    {.name = "key with byte 0x4b",
     .path = "/dir/aKb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ee4ad2e410415572d25707b67f04bf580a17657538d9a1c66c18cf7c"
         "94740634",
    },
    {.name = "key with byte 0x4c",
     .path = "/dir/aLb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=87c5129082c9fe91105d03820babfc7cbc65ca68fc23f60abfcab28e"
         "c0de46f0",
    },
    {.name = "key with byte 0x4d",
     .path = "/dir/aMb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=22686309069b0fcf5ba81777675eec3b48f3783f1353bcdaa81f1d6e"
         "c066a956",
    },
    {.name = "key with byte 0x4e",
     .path = "/dir/aNb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=9560c87b661a1d9753395d56cc18e84811054c43cf6a0367c57dabbd"
         "7181e8f5",
    },
    {.name = "key with byte 0x4f",
     .path = "/dir/aOb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=1187f363ff967c081e02cda01c7f4016418007828be523161fa606bc"
         "72d35aa3",
    },
    {.name = "key with byte 0x50",
     .path = "/dir/aPb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=0d081f4140f8148fa77ae253b162bfa802f4b004a7f5a2be947426e6"
         "905af7aa",
    },
    {.name = "key with byte 0x51",
     .path = "/dir/aQb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ecd1eda0385fbe4c9a0fdba1e8d569ae975f6f8ebb8e9a0b0732268d"
         "58ff1b67",
    },
    {.name = "key with byte 0x52",
     .path = "/dir/aRb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=18884f3c53c593716b78714f19a467ddf5a42bafc0a4078b6c82888f"
         "89e365b2",
    },
    {.name = "key with byte 0x53",
     .path = "/dir/aSb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=b3da91ad71b004bd3c6dfcd1d2a4db36f91c3e7501883088d364e211"
         "0c46007a",
    },
    {.name = "key with byte 0x54",
     .path = "/dir/aTb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=365c3f54350fa9c16aaca6fa9e6a072112737c0f31aff8429debf774"
         "581a3c9e",
    },
    {.name = "key with byte 0x55",
     .path = "/dir/aUb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=357bc15946a83910ac7bddf1ad6299e0110c9f90a3418a45c68c5ecc"
         "53cbab36",
    },
    {.name = "key with byte 0x56",
     .path = "/dir/aVb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=84c3727ff47efbd7cb772ff07bd19b2196aac3f0eb2a20f85e4dafee"
         "cfc60ff3",
    },
    {.name = "key with byte 0x57",
     .path = "/dir/aWb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ac0c84ea7ba29f712ee8023673def10e3432614b9a902bd12c62e669"
         "f18456b9",
    },
    {.name = "key with byte 0x58",
     .path = "/dir/aXb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=dc92e9c56dc492b0c43c6ea64e1f2e5d62f2d19007737fe5f7672004"
         "20da76c0",
    },
    {.name = "key with byte 0x59",
     .path = "/dir/aYb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=290e3c2cb9b662e123c0aff446d09a1b24d9081cccbed3fb078024b3"
         "c88dd542",
    },
    {.name = "key with byte 0x5a",
     .path = "/dir/aZb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=d806cfbdf90c71c07af80b463965528bb73724a1b6f2beab4e3ba39d"
         "bbf1ee7d",
    },
    {.name = "key with byte 0x5b",
     .path = "/dir/a%5Bb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=5bcd0580c7c166ca47d77d2ceee833f4ab4aca4ea7e872f0081a047c"
         "21273341",
    },
    {.name = "key with byte 0x5c",
     .path = "/dir/a%5Cb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=e52349e583a5e7d5aa750954d3f0f60124d4cebebbce567e3f8f3076"
         "48492ebd",
    },
    {.name = "key with byte 0x5d",
     .path = "/dir/a%5Db",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=842c7072cb41b534747ac26a6271b1526b083d9d95e21451126477fe"
         "02b0f97d",
    },
    {.name = "key with byte 0x5e",
     .path = "/dir/a%5Eb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c7306bf21b851db35519a2b39b6262d72248682fe7374cbc85fac2c6"
         "d3dcb71b",
    },
    {.name = "key with byte 0x5f",
     .path = "/dir/a_b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=149c8c23c0c462631711b4b8886ec3f695f4d633b807b5d96c6512af"
         "5817cddc",
    },
    {.name = "key with byte 0x60",
     .path = "/dir/a%60b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=1134ebfef17d5a1842c2fc4925a549f05b7520061646e8195983d751"
         "14987412",
    },
    {.name = "key with byte 0x61",
     .path = "/dir/aab",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=91c3361254f9c415c45ec5f364a4a7e556a37b9cf6091315534afd75"
         "db41414a",
    },
    {.name = "key with byte 0x62",
     .path = "/dir/abb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=f4fcd903a16e4f51e6898e94b76899b0b9060c83bb827f5fd356a1e8"
         "72adacea",
    },
    {.name = "key with byte 0x63",
     .path = "/dir/acb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ed5cc585ed5fe4fec6359b85eb3994fef46d998c5805c01b9a239532"
         "5b54a994",
    },
    {.name = "key with byte 0x64",
     .path = "/dir/adb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8055d62c7993706d63b017269044ccf7ecee6977de619687eaa10466"
         "c1fcd352",
    },
    {.name = "key with byte 0x65",
     .path = "/dir/aeb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=77e0a99f75e2a17b1f4b0705a7d83030b3cb9063608a107859742f0a"
         "af46429c",
    },
    {.name = "key with byte 0x66",
     .path = "/dir/afb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=e64a2552e025ea456386b7172acf562024ee716f8c4f3b6cde261de3"
         "2c4c7dac",
    },
    {.name = "key with byte 0x67",
     .path = "/dir/agb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=d573e01cb6ba61de16f3afda668cfb68ed7ee3346592b427a19b5949"
         "81adca42",
    },
    {.name = "key with byte 0x68",
     .path = "/dir/ahb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=be390d7e72178910ba77035dafd4a2198f4c63929553f76587575208"
         "306af0e7",
    },
    {.name = "key with byte 0x69",
     .path = "/dir/aib",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=0a4e9243fc9d916cbc51d1fb481d2ba50235b2280caf300b2796196e"
         "4a220f48",
    },
    {.name = "key with byte 0x6a",
     .path = "/dir/ajb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8fbc18087a14ae3cda520be8af557315c5fcee54a355cfe5ad258b06"
         "09c573ba",
    },
    {.name = "key with byte 0x6b",
     .path = "/dir/akb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ac3781b51ae8269b4a9b8011c756065f07729c14574809b8c8a58663"
         "b4832c01",
    },
    {.name = "key with byte 0x6c",
     .path = "/dir/alb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ab3f1472a42ad65737e8ad78f188029d113435676b34508bddcd17cd"
         "fccd3899",
    },
    {.name = "key with byte 0x6d",
     .path = "/dir/amb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=acec1619d31605b65fd2bec52dd72d5338236bff231c409fdf01eccf"
         "c743f7f2",
    },
    {.name = "key with byte 0x6e",
     .path = "/dir/anb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=eeaa028e60b791a3bc886eae8d784698007374689b53de17df4393c0"
         "d8c8547f",
    },
    {.name = "key with byte 0x6f",
     .path = "/dir/aob",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=98a7004b0a576c581c18fb4021b16061814e632341db368730845818"
         "e3680473",
    },
    {.name = "key with byte 0x70",
     .path = "/dir/apb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=dc681877d497469b18a7cf7c3f18080ae8289d061442211e4e80e936"
         "6a4a66f0",
    },
    {.name = "key with byte 0x71",
     .path = "/dir/aqb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c5a137c514b71af3b1c9373482a80f37a290cf6c63ba79d089a986cc"
         "fd93b94d",
    },
    {.name = "key with byte 0x72",
     .path = "/dir/arb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=76a97ef3a46e9a661dd7290bc3691ec02afe9a49634fcec540b854c6"
         "85518007",
    },
    {.name = "key with byte 0x73",
     .path = "/dir/asb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=3044e31c2bd05691e11b594c5ece061e11b8b4f79b59d48abe9f257c"
         "b8bc5574",
    },
    {.name = "key with byte 0x74",
     .path = "/dir/atb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=575b06d63159b240809c0d6bfbb2a2fc22ae4f938ac7799f2f8ace50"
         "5b222a1c",
    },
    {.name = "key with byte 0x75",
     .path = "/dir/aub",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=37e012cb702216347048fd23e97fbfbc8e6e5ebf3649341b20cb8d0f"
         "3113b7f1",
    },
    {.name = "key with byte 0x76",
     .path = "/dir/avb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=a6f81829ca4e27945753b712df14d346830c8a148b65fe12b251f4b9"
         "27338c56",
    },
    {.name = "key with byte 0x77",
     .path = "/dir/awb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=e45b5f342e6d25c712bd2fd2d851ef46b3299a0b342477d7ff827dbe"
         "c3de78e1",
    },
    {.name = "key with byte 0x78",
     .path = "/dir/axb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=1bd40c741f70eefe29b2b753d31f076ce1d618805522fef0a5991626"
         "8a0b59e7",
    },
    {.name = "key with byte 0x79",
     .path = "/dir/ayb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ada7591a6f58d1cf5a8e590ae80ca912262cf11ad8a8532123217302"
         "cc08b158",
    },
    {.name = "key with byte 0x7a",
     .path = "/dir/azb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c04668e083e85780122d7ee3f2c7d6d2ebd3f8ada307859b132e1d14"
         "6dfbe268",
    },
    {.name = "key with byte 0x7b",
     .path = "/dir/a%7Bb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c9de886599f96f76e9782c75d2f122d3fc4fa757771ed15883944ed0"
         "86183964",
    },
    {.name = "key with byte 0x7c",
     .path = "/dir/a%7Cb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=9ed92bdd8587e9d1ef4a0f601dd624179cc0432c233c90ee28aa829e"
         "1ec48e06",
    },
    {.name = "key with byte 0x7d",
     .path = "/dir/a%7Db",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=efa1735fc9069d2239ce6f1f9862facf0d5503096c0aca5d2543a9e9"
         "59d4c36b",
    },
    {.name = "key with byte 0x7e",
     .path = "/dir/a~b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=a9f8195b9b2c697feb358f45eb717949911a8f143528adc6bec6a109"
         "d6411aa5",
    },
    {.name = "key with byte 0x7f",
     .path = "/dir/a%7Fb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=591e1b994d7ac27f3894b13c0b94e43afeeb0ed56ce60a5d8f9c046a"
         "23ae5eb8",
    },
    {.name = "key with byte 0x80",
     .path = "/dir/a%80b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c9519a42e6c624e4b7bbb127522915c87d8dbb81b5f7c5f28b48158e"
         "c6032fd3",
    },
    {.name = "key with byte 0x81",
     .path = "/dir/a%81b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=627a464c419f7678339a8409e686bc710e76ce47bd670e21ab09f64a"
         "f2f055fe",
    },
    {.name = "key with byte 0x82",
     .path = "/dir/a%82b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=de37e432ffcd0786004132ccfcd4e13483fa0edefab3ad6f789eee0f"
         "7e6cdf9b",
    },
    {.name = "key with byte 0x83",
     .path = "/dir/a%83b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=387eeb0757eb3092a2ff1e3efe9724b417e274597836d43f7c69d8a6"
         "5f49a666",
    },
    {.name = "key with byte 0x84",
     .path = "/dir/a%84b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=50ca532e66bb0c83afe837e6e38f1bee2f8695ca5266f8df9f5fa105"
         "c16dcb96",
    },
    {.name = "key with byte 0x85",
     .path = "/dir/a%85b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c1e5d17455983bf0f437a8f211d2dd8ea09c5c1a23d9a502d82b0623"
         "74c0a326",
    },
    {.name = "key with byte 0x86",
     .path = "/dir/a%86b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=98197c6a5c103aff6861f9ef61637de758905edb7439248d40526704"
         "02f322e3",
    },
    {.name = "key with byte 0x87",
     .path = "/dir/a%87b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=3399b55e1b69d3d207b9db4abd31cdffa559215ad7faadb16655cf08"
         "04b45e7a",
    },
    {.name = "key with byte 0x88",
     .path = "/dir/a%88b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=952ed4d58f8373b7363f2abbfdc1c1c01da778b685870d88feb1c90c"
         "cc927653",
    },
    {.name = "key with byte 0x89",
     .path = "/dir/a%89b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c10f816761f76ffbb45d24e65437f90a841f57d225b31e190c134bbe"
         "abca380f",
    },
    {.name = "key with byte 0x8a",
     .path = "/dir/a%8Ab",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=49c6809f4cab7baf447a4a706538682d11eb61ad1dfa6f4f591d0d1e"
         "ba8306b2",
    },
    {.name = "key with byte 0x8b",
     .path = "/dir/a%8Bb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=d76eb22a967c3fb290c104c27da6843a955b08e59cf5e5b86bb9e38e"
         "bcc12e1f",
    },
    {.name = "key with byte 0x8c",
     .path = "/dir/a%8Cb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=1587f6fa02a9d37f60e9e3318bcbd12c73f579027e9234c721c4b26c"
         "ea71c3d0",
    },
    {.name = "key with byte 0x8d",
     .path = "/dir/a%8Db",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=984116ea97c03b0539ff31c2aff0f9502d4afc609c52889d83b49da9"
         "ff2f5111",
    },
    {.name = "key with byte 0x8e",
     .path = "/dir/a%8Eb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=4116c448ad8e289f946f8c2b536b6ae670eb957b0f06f9cbf63cabd1"
         "e7624d97",
    },
    {.name = "key with byte 0x8f",
     .path = "/dir/a%8Fb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=7339377efa5d2d1e29041a031d61923f3aec372c5e683ba6c7db847b"
         "62a25e2c",
    },
    {.name = "key with byte 0x90",
     .path = "/dir/a%90b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=fc5bdda2595371faca45191be2af9417a84bc1695b6300dee43a02bb"
         "83157b3d",
    },
    {.name = "key with byte 0x91",
     .path = "/dir/a%91b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=73bf14160fb4fac734154340ac50274c57446d523efb45c12082e7d2"
         "b01f39ba",
    },
    {.name = "key with byte 0x92",
     .path = "/dir/a%92b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=52b448839a7402ac52c5423e5fc0c4db511af5c77f81ddc6daebfd12"
         "224dacb6",
    },
    {.name = "key with byte 0x93",
     .path = "/dir/a%93b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8dd9284d2def75925f0abd43749d6b3a3cb7d3c610331f1ee331be34"
         "ba7a7c97",
    },
    {.name = "key with byte 0x94",
     .path = "/dir/a%94b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=49f3cf03f850d265bff07a769621e94608ea940f0f19e78b4def3d5c"
         "e6ce18e6",
    },
    {.name = "key with byte 0x95",
     .path = "/dir/a%95b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=e6496eef140c143e022f8cae9d4f6ca8c688bad4b4fa09ffe558ea8c"
         "3b1c95bd",
    },
    {.name = "key with byte 0x96",
     .path = "/dir/a%96b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=1b5f9b9967d113a42642ae1af5d9e3cff27b17126e6b5c677ca89cff"
         "9badd07a",
    },
    {.name = "key with byte 0x97",
     .path = "/dir/a%97b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c748a5eb838e0a63c743660c0cc510e70af75bfabd6862dc035bd5be"
         "3ac1ca23",
    },
    {.name = "key with byte 0x98",
     .path = "/dir/a%98b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=a0858ab0a72b4751308cae35e23fc6b96d58da28dcf2cd677381bda4"
         "af2cbb73",
    },
    {.name = "key with byte 0x99",
     .path = "/dir/a%99b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=4452c5e277159225e0c836513f22fffb5f35c96e6d7caaeec01ef4c0"
         "b355a7c9",
    },
    {.name = "key with byte 0x9a",
     .path = "/dir/a%9Ab",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=d87ec2ccc37b42e784dad088bf8f36719abf43f242ec7d9933db4809"
         "261ce3e4",
    },
    {.name = "key with byte 0x9b",
     .path = "/dir/a%9Bb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=2854884ec365eeaf63ccf506d570a6dd1ccb3547f784e2c98a1d5c8c"
         "b9710d81",
    },
    {.name = "key with byte 0x9c",
     .path = "/dir/a%9Cb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=6910488378472cf8d076450842c1f73e7c8ac05204f76a3edbd5eabf"
         "1e40e133",
    },
    {.name = "key with byte 0x9d",
     .path = "/dir/a%9Db",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=51bf504d31e8b22cbde13c743cb868cc5edb16c82a976ec5388390dc"
         "8c308822",
    },
    {.name = "key with byte 0x9e",
     .path = "/dir/a%9Eb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=a729499cb37a955f52fa73834caf8bd2f0380afde726c8d77acfc4aa"
         "acabd62e",
    },
    {.name = "key with byte 0x9f",
     .path = "/dir/a%9Fb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=014e6ae4eb602f9f52fd353ee375b1a52557af0bc4716263fc319f87"
         "d6b97767",
    },
    {.name = "key with byte 0xa0",
     .path = "/dir/a%A0b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=80cd339fbb6b03bd2ba6a6fe6e55fc10240a23dffba21e20022ae2eb"
         "3e3aafe4",
    },
    {.name = "key with byte 0xa1",
     .path = "/dir/a%A1b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8337c6c89ae3ecc662cc913ab16e99d36559eaa7a21fda4c17df7d4e"
         "e26166e9",
    },
    {.name = "key with byte 0xa2",
     .path = "/dir/a%A2b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=67f269871d258e12376f8bc8f9694c51cc33a434c972ea0ce3ead01a"
         "a191adbd",
    },
    {.name = "key with byte 0xa3",
     .path = "/dir/a%A3b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=114b3c175e519b66bcd98275f49642652b06fc16383fe6d8207319f9"
         "8daa17e6",
    },
    {.name = "key with byte 0xa4",
     .path = "/dir/a%A4b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=1e95cbd7379c1355181e174e1526467c80e3c1f74bb2c5d1c1caafa5"
         "2c57d73b",
    },
    {.name = "key with byte 0xa5",
     .path = "/dir/a%A5b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=67428e1d072a710154502ae7f2985296318279558065d0523d770e6a"
         "c0119433",
    },
    {.name = "key with byte 0xa6",
     .path = "/dir/a%A6b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=05fe2a419773912d1d3113e38431daf89532af42c34cfc7bd1e1afaf"
         "600bbc1e",
    },
    {.name = "key with byte 0xa7",
     .path = "/dir/a%A7b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=e5ccaf677bb98b599fe2761cc8cc5ed36e87f0ad414e637bdcff28da"
         "4d2e4003",
    },
    {.name = "key with byte 0xa8",
     .path = "/dir/a%A8b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8731edb7ff993d6f57265e2f5f9cda978f1d152cbac23e6f1b960e0e"
         "745b6d1f",
    },
    {.name = "key with byte 0xa9",
     .path = "/dir/a%A9b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=debef610bd9222b8325f81ad839efe9050a5726da38ff1e02e123e9d"
         "5ce246ce",
    },
    {.name = "key with byte 0xaa",
     .path = "/dir/a%AAb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=419328835a81a8fbf4c89b17ecc57d5405e4023b06821f54831a5525"
         "94bff1d1",
    },
    {.name = "key with byte 0xab",
     .path = "/dir/a%ABb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=889b189cd75d4c50ac544fcdc284daa50240a8686cd6ed1b90e7c281"
         "efe42f6e",
    },
    {.name = "key with byte 0xac",
     .path = "/dir/a%ACb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=7cb959a151dc3858a5af641feb0df6f41b2e59d57ab7d11084989bda"
         "d1f0d252",
    },
    {.name = "key with byte 0xad",
     .path = "/dir/a%ADb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=b297818a765511275ac47ece80e0d176f4161cb6bbbcdd9b7893710f"
         "f273c296",
    },
    {.name = "key with byte 0xae",
     .path = "/dir/a%AEb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=51ba4ce7b6937ff8e1ad60faa559c76a4f750404a609b3de5796eb7c"
         "8e954ee3",
    },
    {.name = "key with byte 0xaf",
     .path = "/dir/a%AFb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=b2a7f8f7968687613dbb9e1db22e096c35c353da9bae6bf9e37f89ef"
         "17444401",
    },
    {.name = "key with byte 0xb0",
     .path = "/dir/a%B0b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=d2e283294a360f599fe0d7c7448cb4651327f4ff2aab23ed72501bce"
         "71514364",
    },
    {.name = "key with byte 0xb1",
     .path = "/dir/a%B1b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=6f50a66a5acf2d38b1eed51c58ddb37d1adca6b5e00a7540c24b7993"
         "76ba17f5",
    },
    {.name = "key with byte 0xb2",
     .path = "/dir/a%B2b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=984889452970555fb7fa49ac833aaaf86be9c805a19d78bf439116bf"
         "3355a48b",
    },
    {.name = "key with byte 0xb3",
     .path = "/dir/a%B3b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ec351f33610347209e94d52c5cde3a05f4ea57d421a52b1e8540d079"
         "2e8dee05",
    },
    {.name = "key with byte 0xb4",
     .path = "/dir/a%B4b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=fa59b31cf41c33265dc2af26a40516b349e8b7ea4ad27aad1ea09e97"
         "96de22c8",
    },
    {.name = "key with byte 0xb5",
     .path = "/dir/a%B5b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=b7f06bf7e3c9a5e838354945a17523ce9890013265962c95738a7b66"
         "3ed26e4b",
    },
    {.name = "key with byte 0xb6",
     .path = "/dir/a%B6b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=a80a6938e91b719b272b07ea1bf51c57224b3db8ed3b899801acca8b"
         "82c5e115",
    },
    {.name = "key with byte 0xb7",
     .path = "/dir/a%B7b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=89d345298462d49a6fa8f6ae18b801b15d58c703a815423934056ac6"
         "1c11cdae",
    },
    {.name = "key with byte 0xb8",
     .path = "/dir/a%B8b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=b6d45a2997864a040dfe4eabf43370b5761c0fe2a03d838ac7fb4a1d"
         "7dcc19fd",
    },
    {.name = "key with byte 0xb9",
     .path = "/dir/a%B9b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c7808a12c426a5e63154c5c4cec148f90d0ff0eeb6d89a48990efe8b"
         "10d1d23e",
    },
    {.name = "key with byte 0xba",
     .path = "/dir/a%BAb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=a850100c0ad4b4ebb3f432357b5c85a31d4d5058cdb46859e7ba9693"
         "e6cc28b9",
    },
    {.name = "key with byte 0xbb",
     .path = "/dir/a%BBb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=1e9c922204ad58b3ba09367b38105dc327d10a62b12e10f307a792da"
         "addeb9a6",
    },
    {.name = "key with byte 0xbc",
     .path = "/dir/a%BCb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=4ccda95ec0da4016f333c6936170605ffd16bbcf9ba3bd65b21ef0a5"
         "ba4e1b30",
    },
    {.name = "key with byte 0xbd",
     .path = "/dir/a%BDb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=4d292c3c929f24d5836a37d53988c9c4428e67319ec2cfa873669db5"
         "09b6e9bf",
    },
    {.name = "key with byte 0xbe",
     .path = "/dir/a%BEb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=cf5dc4f44bd1f5bb2ed3b72ea552174c8367cdb3cc3b3ccbfc055164"
         "d262d0a7",
    },
    {.name = "key with byte 0xbf",
     .path = "/dir/a%BFb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ea1df4bd15469c043be4ee765b7b9f533c6292a5d07e3faea4624575"
         "fe555ff9",
    },
    {.name = "key with byte 0xc0",
     .path = "/dir/a%C0b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=57f857065ae51cdeba247fac182768decaedd17470e97d525b2184d4"
         "91b67bc2",
    },
    {.name = "key with byte 0xc1",
     .path = "/dir/a%C1b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=a7ca726de5c80dd8aadc706408ca713741beb8a5de3e37b62b036cbb"
         "e1780ada",
    },
    {.name = "key with byte 0xc2",
     .path = "/dir/a%C2b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=fdb37458f555da8f0b96a11d7cf6dad2e5a61d3414bea1e2a46f9a2f"
         "6416c6c0",
    },
    {.name = "key with byte 0xc3",
     .path = "/dir/a%C3b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c970cf484c825da99b121adc7586878d2ba0a942a45d81fbf9b23b51"
         "23a42672",
    },
    {.name = "key with byte 0xc4",
     .path = "/dir/a%C4b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=11840508babd5d2c657bc0f624421382652091eb5d025052b35f9122"
         "6f2ef10d",
    },
    {.name = "key with byte 0xc5",
     .path = "/dir/a%C5b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=21fe07a50d36b957048f33e50a915182504c9f1423decc32683a18fe"
         "fc03b49a",
    },
    {.name = "key with byte 0xc6",
     .path = "/dir/a%C6b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=cf7c5f278e359bf45b735da69f60ca0e4de028f03a32e9fbcbc95e8f"
         "9124e7fd",
    },
    {.name = "key with byte 0xc7",
     .path = "/dir/a%C7b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=8a837cd35771c01866f47d0f67942c103665aeb33e082eae6608491e"
         "72053ad6",
    },
    {.name = "key with byte 0xc8",
     .path = "/dir/a%C8b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=d3408cf042c2eda41d14b7bf996fd4505ed2ff6f60f43f866d56d73a"
         "5e0da61d",
    },
    {.name = "key with byte 0xc9",
     .path = "/dir/a%C9b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=963b4e6d68c00ef49275476f6466293fe75079d417bcea2542987975"
         "98707ace",
    },
    {.name = "key with byte 0xca",
     .path = "/dir/a%CAb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ffbc3360818af70d1ce1c31d839d3b48242ce23c1371c4bc00a3fea1"
         "019825e0",
    },
    {.name = "key with byte 0xcb",
     .path = "/dir/a%CBb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=fd4862becdb98e3d0bd7fa896f6a0f497d5999eb284617ba50f55653"
         "92c222ad",
    },
    {.name = "key with byte 0xcc",
     .path = "/dir/a%CCb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ec2e75b6f15dca4ae6586a77008d108f14bed4ecfac55b7a1d7876ff"
         "b62a27ae",
    },
    {.name = "key with byte 0xcd",
     .path = "/dir/a%CDb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=03df084a0445291393ef7b544647a548e0bb820c792db9cc9e4202c1"
         "a3eac26a",
    },
    {.name = "key with byte 0xce",
     .path = "/dir/a%CEb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=59dea9fdffbd1037040596897a51e6b42926df18ec16b36d5f4aac03"
         "aa07d124",
    },
    {.name = "key with byte 0xcf",
     .path = "/dir/a%CFb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=7a94d934177f1fe8ccb3959222c236737a6f525467dd54c8419f0c01"
         "e5945200",
    },
    {.name = "key with byte 0xd0",
     .path = "/dir/a%D0b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=2a5683cc9fbf48fde77f76dc318ec38771070ad6b14c3ab0769272d2"
         "4fdb3fdd",
    },
    {.name = "key with byte 0xd1",
     .path = "/dir/a%D1b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c0cb0f041740aedbb61243ebb43078763170f979cc4fbdb4ea11bb78"
         "8a2fe348",
    },
    {.name = "key with byte 0xd2",
     .path = "/dir/a%D2b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=a3bcc8d7ee26e44e797c4a67eec1f8695a0f13a3dbf6799dd9f5de1d"
         "2a36656e",
    },
    {.name = "key with byte 0xd3",
     .path = "/dir/a%D3b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=948ac8d4b436e9bbbf309ac3b46d5517508297bec4b3b740765b3904"
         "a6855df3",
    },
    {.name = "key with byte 0xd4",
     .path = "/dir/a%D4b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=53564429bd3fcdc65d115df0566f5cc9c3e83337a799a2ac4b2354db"
         "fddf9c24",
    },
    {.name = "key with byte 0xd5",
     .path = "/dir/a%D5b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=f72f06f604fe8d6a3e2cf0b45f258c3f04df2d3c911e30cbc69e72dd"
         "367533f5",
    },
    {.name = "key with byte 0xd6",
     .path = "/dir/a%D6b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=1fc81591c3370465fb1919164f5312934888f6d70945a904ea7a0705"
         "b686129e",
    },
    {.name = "key with byte 0xd7",
     .path = "/dir/a%D7b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=5aa8ff32e0605d25416adaacf9f5c9e0e0d0c9185f29951be391a6a5"
         "6bf0dc73",
    },
    {.name = "key with byte 0xd8",
     .path = "/dir/a%D8b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ce707e613feeb7d54a0a88fb213f43714b58f429fda80a1fc36253a3"
         "d02f94df",
    },
    {.name = "key with byte 0xd9",
     .path = "/dir/a%D9b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=2e17de6cf7af017c121b193ed57668b1f953f2aceb66659cfef6ae68"
         "567a9a52",
    },
    {.name = "key with byte 0xda",
     .path = "/dir/a%DAb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=d1ce8f945df929866fed4d8bade2f1773588b0c3052b189a981386a0"
         "5662ad49",
    },
    {.name = "key with byte 0xdb",
     .path = "/dir/a%DBb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=556440948d8fde0a0358259b2772b1b2aa74b84c8903cd3a176264be"
         "5e9a7883",
    },
    {.name = "key with byte 0xdc",
     .path = "/dir/a%DCb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=03386e5f1045d26a16e49f92285eb15e2ed3938516e403223f08a0d6"
         "ed11961d",
    },
    {.name = "key with byte 0xdd",
     .path = "/dir/a%DDb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=e40f948c9281daed29484acb25347e610e300420bb171ff96043c7cf"
         "7ec229ea",
    },
    {.name = "key with byte 0xde",
     .path = "/dir/a%DEb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=fb1bb640ab89bf3cea106fcd0eabea0bdb1d971dbf453fc0ccf947fb"
         "f2694bf7",
    },
    {.name = "key with byte 0xdf",
     .path = "/dir/a%DFb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=3e33ef0443137e9ae7739a51f2f288e529fc140509661bd8bd53a5c9"
         "5f9896a7",
    },
    {.name = "key with byte 0xe0",
     .path = "/dir/a%E0b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=7d91d735cc8dd0ba4253d8f4b44c4bb81d48b6aa6e92d8cfb8e1e89f"
         "c1b045f3",
    },
    {.name = "key with byte 0xe1",
     .path = "/dir/a%E1b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=702bd3c153ffa4c6b87718ec1333a1edf9152268f5849e86b2b2bf78"
         "f82a3503",
    },
    {.name = "key with byte 0xe2",
     .path = "/dir/a%E2b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=9607f733569e004569d72d62f5b6eaec6b71c4fcc17a852ea8fe9e1e"
         "37f529e9",
    },
    {.name = "key with byte 0xe3",
     .path = "/dir/a%E3b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=33fb11d86d7b73c5f371e62df52dc3131d5635b9fdc51233c5792738"
         "de1701ea",
    },
    {.name = "key with byte 0xe4",
     .path = "/dir/a%E4b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=53952762870a4641dbf2930fd2a257391566197ce96fd0459c8e5f0a"
         "3895ba37",
    },
    {.name = "key with byte 0xe5",
     .path = "/dir/a%E5b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=f9c6a862d9ec984491a3bbb26cab41acd66b530d8ba5285d4f8d819c"
         "23498488",
    },
    {.name = "key with byte 0xe6",
     .path = "/dir/a%E6b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=1baacf110af90a8318d3b0ad79506c1e58f8ec77981b36649603153b"
         "c408a8f4",
    },
    {.name = "key with byte 0xe7",
     .path = "/dir/a%E7b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ae3704b189661e4144d9102c72d89ce42eecb82059cf6f249d183179"
         "bae5f795",
    },
    {.name = "key with byte 0xe8",
     .path = "/dir/a%E8b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=09fd7b3df5499d757f72b76b17e5b27d3374410bfc77f349cc2d22e4"
         "450cf568",
    },
    {.name = "key with byte 0xe9",
     .path = "/dir/a%E9b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=63b6487439030920ceff6643494e95d093bd6bedd09a2752e71872fb"
         "6b4eabab",
    },
    {.name = "key with byte 0xea",
     .path = "/dir/a%EAb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=25604bbebbb23dc2b979ab99a9b0c55a7d916d08c466131b5c1312ac"
         "a403fb4c",
    },
    {.name = "key with byte 0xeb",
     .path = "/dir/a%EBb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=0bada3c8a1bb9e2f2b3388e0098f3596577b56d2977d3e9beff61cf3"
         "5ca59ddc",
    },
    {.name = "key with byte 0xec",
     .path = "/dir/a%ECb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=07246c783b553ffbb166fbd857fd75a24c76a048055522f6dd3ee89b"
         "fdb134fe",
    },
    {.name = "key with byte 0xed",
     .path = "/dir/a%EDb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=53d4f7177f858d6f8440468968a81f7cabf899c58c627743017f20c7"
         "a130be53",
    },
    {.name = "key with byte 0xee",
     .path = "/dir/a%EEb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=20eb4aecadfca992f714ebece7f40fadaf9a132d8cfe27fcee242a5c"
         "e1a12a91",
    },
    {.name = "key with byte 0xef",
     .path = "/dir/a%EFb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=2a53e503b496ccbf8c007771adf9b7ce2901de7fb646c2072f171bd1"
         "8c9eba88",
    },
    {.name = "key with byte 0xf0",
     .path = "/dir/a%F0b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=bf9290d86f5945407392ccc1254547131c950d7bf0d625fdb1bbab27"
         "a49859c7",
    },
    {.name = "key with byte 0xf1",
     .path = "/dir/a%F1b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=c7168611931c1358f274f35db9d5a2438599992705d10d3874498742"
         "b2faa479",
    },
    {.name = "key with byte 0xf2",
     .path = "/dir/a%F2b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=f934bf5aef9c4121750521ba8c9d0eadbda188472d2c831e9577b4cc"
         "de450f97",
    },
    {.name = "key with byte 0xf3",
     .path = "/dir/a%F3b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=6b01e4ad770d2b98d84e510be508d9de31c91da18743d550aad17432"
         "dec17e7a",
    },
    {.name = "key with byte 0xf4",
     .path = "/dir/a%F4b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=2713e3e163959864b6e8743994ff4f7304afd815a90e410d3509f6a1"
         "97646458",
    },
    {.name = "key with byte 0xf5",
     .path = "/dir/a%F5b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=7a28e32c0f603aef6a1b3f47b2ce82f64ae06e2f822d591b372f8803"
         "bb70d9db",
    },
    {.name = "key with byte 0xf6",
     .path = "/dir/a%F6b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=3f3ebceb870f5bf457995312f598a216d35da54d61531b60c56169bf"
         "dcf7c76d",
    },
    {.name = "key with byte 0xf7",
     .path = "/dir/a%F7b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=f8bbd4f950e82e700cd7c5ce2cdacd697cbb413b71def6f3c3b0e729"
         "87fc2eaf",
    },
    {.name = "key with byte 0xf8",
     .path = "/dir/a%F8b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=88a53cc259809d646d8f5e83665aad1c359b781d940b53209d3c1c54"
         "d5154880",
    },
    {.name = "key with byte 0xf9",
     .path = "/dir/a%F9b",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=b98038c3e64ce46456c094f018dc254247083ae05dbd852d4b2a4da0"
         "7325fc32",
    },
    {.name = "key with byte 0xfa",
     .path = "/dir/a%FAb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=0da1fcb2a9950de622a81531b7ea37f111c8847f09a633afa4f0299e"
         "8c4350a0",
    },
    {.name = "key with byte 0xfb",
     .path = "/dir/a%FBb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=f2809463208b32dc0b7c4e549b60aef57ac101cb9ab83f61debec4aa"
         "f6338437",
    },
    {.name = "key with byte 0xfc",
     .path = "/dir/a%FCb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=baba2c09ded3e3ff2c5809995528be6f94e5539397a87b1e85b53fa2"
         "e24ae042",
    },
    {.name = "key with byte 0xfd",
     .path = "/dir/a%FDb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ccd34d20a72cf8ede526395c5f5161a6ccc9b81e6f3d94c05ef8e2f2"
         "d34d00c6",
    },
    {.name = "key with byte 0xfe",
     .path = "/dir/a%FEb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=36a1370acbfa8e0d0ee572b289fe601474ef3a4a658a738d697fe715"
         "dd7c88fd",
    },
    {.name = "key with byte 0xff",
     .path = "/dir/a%FFb",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=b622b37120a1ed989e808c6cbd816c674d751d3d82da463b674a776f"
         "cadc1293",
    },
    {.name = "path is not normalised",
     .path = "/a//b/./c/../d/%2F/",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=ed00d165ae90ea1a37cc3f0d19f6a94a324fa638cf0c74525a1c1cd3"
         "c281a5d1",
    },
    {.name = "sub-resource without value",
     .method = "POST",
     .path = "/k",
     .query = "uploads",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=bda93ef5fb5549cfa72ae1c58a33ec527d181e45309dbfdffa41dc24"
         "6686c814",
    },
    {.name = "sub-resource with =",
     .method = "POST",
     .path = "/k",
     .query = "uploads=",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=bda93ef5fb5549cfa72ae1c58a33ec527d181e45309dbfdffa41dc24"
         "6686c814",
    },
    {.name = "upload part",
     .method = "PUT",
     .path = "/k",
     .query = "uploadId=a%2Bb~c&partNumber=17",
     .payload = "UNSIGNED-PAYLOAD",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=725d307fe939595ad675c4231a9c8198fa848328ece83fc6b2703e19"
         "4a47b62b",
    },
    {.name = "list",
     .query =
         "prefix=a%20b%2F&list-type=2&max-keys=1000&encoding-type=url&deli"
         "miter=%2F&continuation-token=1%2Fabc%3D%3D",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=107206a2585a127e1bdb271442224a7c261467569b83fb1d49647a4a"
         "69d09805",
    },
    {.name = "a name is a prefix of another",
     .query = "ab=1&a=2&a-b=3&a.b=4&a=1&A=0&a%20=5",
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, S"
         "ignature=5984db21fec92ba875b06c905a1448dc664d83b0325a46edce7b383e"
         "e5b2e5da",
    },
    {.name = "copy headers",
     .method = "PUT",
     .path = "/out.zip",
     .query = "partNumber=1&uploadId=x",
     .headers = {"x-amz-copy-source-range: bytes=0-5242879",
                 "x-amz-copy-source: bucket/a%2Bb/c%20d",
                 "x-amz-copy-source-if-match: \"0123abc\""},
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-copy-so"
         "urce;x-amz-copy-source-if-match;x-amz-copy-source-range;x-amz-dat"
         "e, Signature=3010c401e2401f30ab0c5ed9edf6995bf3a9e6d32263a4143334"
         "bc8609474268",
    },
    {.name = "copy headers, another order",
     .method = "PUT",
     .path = "/out.zip",
     .query = "uploadId=x&partNumber=1",
     .token = "FwoGZXIvYXdzE//////////wEaDEXAMPLE+/==",
     .headers = {"x-amz-copy-source-if-match: \"0123abc\"",
                 "x-amz-copy-source: bucket/a%2Bb/c%20d",
                 "x-amz-copy-source-range: bytes=0-5242879"},
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-copy-so"
         "urce;x-amz-copy-source-if-match;x-amz-copy-source-range;x-amz-dat"
         "e;x-amz-security-token, Signature=8e0413d7e1a801027823e2fe122d449"
         "61cca5ab66499d9e86f0a7c66f9c9361b",
    },
    {.name = "white space in values",
     .method = "PUT",
     .path = "/k",
     .headers = {"X-Amz-Meta-A:   a   b\t c  ",
                 "x-amz-meta-b:",
                 "If-Match: \"e\"",
                 "Range: bytes=0-1"},
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=host;if-match;range;x-amz-content-sha25"
         "6;x-amz-date;x-amz-meta-a;x-amz-meta-b, Signature=9df5616df8fb3aa"
         "eb130364ccd2f4a0586db36ffa90660396797b4d8151fcac3",
    },
    {.name = "checksums",
     .method = "POST",
     .path = "/k",
     .query = "uploadId=x",
     .payload =
         "6eb820e0f9762c611c2a77189f686afeca64dfb212e023017e0346e7ab826c39"
         "",
     .headers = {"x-amz-checksum-type: FULL_OBJECT",
                 "x-amz-checksum-crc32: y/Q5Jg==",
                 "x-amz-checksum-algorithm: CRC32",
                 "x-amz-mp-object-size: 123",
                 "content-type: application/xml",
                 "if-none-match: *"},
     .authorization =
         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/aw"
         "s4_request, SignedHeaders=content-type;host;if-none-match;x-amz-c"
         "hecksum-algorithm;x-amz-checksum-crc32;x-amz-checksum-type;x-amz-"
         "content-sha256;x-amz-date;x-amz-mp-object-size, Signature=eb8b4eb"
         "b328bd5515a794f23988d2636e442c1087411a9a92c3da48f380e2c05",
    },
};
